namespace VmSim.Host.Reporting;

/// <summary>A chart of a report.</summary>
/// <param name="Name">A word for it.</param>
/// <param name="Draw">
/// Draws it as SVG, given its number in a page, from 1 on; without one as a picture by itself.
/// </param>
internal sealed record ReportChart(string Name, Func<int?, string> Draw);
