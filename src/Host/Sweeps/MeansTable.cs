namespace VmSim.Host.Sweeps;

/// <summary>The means of a figure as a table, however it is shown.</summary>
/// <param name="Settings">Headings of the settings, at the left.</param>
/// <param name="Curves">Headings of the means.</param>
/// <param name="Rows">The rows.</param>
internal sealed record MeansTable(IReadOnlyList<string> Settings, IReadOnlyList<string> Curves, IReadOnlyList<MeansRow> Rows);

/// <summary>A row of it.</summary>
/// <param name="Settings">Values of the settings.</param>
/// <param name="Cells">Means, null where there is none, and what is shown of each.</param>
internal sealed record MeansRow(IReadOnlyList<string> Settings, IReadOnlyList<(Sample? Mean, string Text)> Cells);
