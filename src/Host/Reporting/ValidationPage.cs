using System.Globalization;
using VmSim.Core.Validation;

namespace VmSim.Host.Reporting;

/// <summary>Tells what a comparison with a real machine found, as Markdown: a summary of each family, and every figure.</summary>
internal static class ValidationPage
{
    /// <summary>Writes the tables of all machines: first the summaries, then every figure.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="machines">What was found on each.</param>
    public static void Write(TextWriter writer, IReadOnlyList<MachineComparison> machines)
    {
        foreach (MachineComparison machine in machines)
        {
            WriteSummary(writer, machine);
        }

        foreach (MachineComparison machine in machines)
        {
            if (machine.Figures.Count > 0)
            {
                Line(writer, $"### Every figure of {machine.Name}");
                WriteFigures(writer, machine.Figures);
                Line(writer, "");
            }
        }
    }

    /// <summary>Writes a machine's name, the table of families, and that of bounds.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteSummary(TextWriter writer, MachineComparison machine)
    {
        Line(writer, $"### {machine.Name}");
        Line(writer, "");
        Line(writer, $"Machine `{machine.Facts.Machine}`, kernel `{machine.Facts.Kernel}`.");
        Line(writer, $"{string.Join(", ", machine.Facts.Costs.Select(cost => $"`{cost.Key}` {Number(cost.Value, 0)}"))}.");
        Line(writer, "");
        WriteFamilies(writer, machine.Summaries);
        WriteBounds(writer, machine.Bounds, machine.Summaries);
        WriteRanges(writer, machine.Ranges);
        Line(writer, "");
    }

    private static void WriteFamilies(TextWriter writer, IReadOnlyList<ComparisonSummary> summaries)
    {
        if (summaries.Count == 0)
        {
            return;
        }

        Line(writer, "| family | unit | figures | median error | within 20 % | exact | worst | its error |");
        Line(writer, "|---|---|---:|---:|---:|---:|---|---:|");
        foreach (ComparisonSummary summary in summaries)
        {
            string family = summary.Family == ErrorBound.Every ? "all" : summary.Family;
            string exact = summary.Unit.IsCount ? $"{Number(summary.ExactShare, 1)} %" : "";
            Line(
                writer,
                $"| {family} | {summary.Unit.Name} | {summary.Figures} | {Number(summary.MedianPercent, 1)} % | "
                    + $"{Number(summary.NearShare, 1)} % | {exact} | {NameOf(summary.Worst.Figure)} | {ErrorOf(summary.Worst)} |");
        }
    }

    private static void WriteRanges(TextWriter writer, IReadOnlyList<ComparedRange> ranges)
    {
        if (ranges.Count == 0)
        {
            return;
        }

        Line(writer, "| program | figure | simulated | measured | outside by | bound | holds | source |");
        Line(writer, "|---|---|---:|---:|---:|---:|---|---|");
        foreach (ComparedRange range in ranges)
        {
            MeasuredRange measured = range.Measured;
            Line(
                writer,
                $"| {measured.Program} | {measured.Figure.Name} | {Number(range.Simulated, 0)} | "
                    + $"{Number(measured.Least, 0)} to {Number(measured.Most, 0)} | {Number(Math.Abs(range.ErrorPercent), 1)} % | "
                    + $"{Number(measured.Bound, 1)} % | {(range.Holds ? "yes" : "no")} | {measured.Source} |");
        }
    }

    private static void WriteFigures(TextWriter writer, IReadOnlyList<ComparedFigure> figures)
    {
        foreach (IGrouping<string, ComparedFigure> family in figures.GroupBy(ComparisonSummary.FamilyOf))
        {
            Line(writer, "");
            Line(writer, "| program | beside | pages | figure | unit | simulated | measured | error | source |");
            Line(writer, "|---|---|---:|---|---|---:|---:|---:|---|");
            foreach (ComparedFigure figure in family)
            {
                MeasuredFigure measured = figure.Figure;
                Line(
                    writer,
                    $"| {measured.Case.Program} | {measured.Case.Beside} | {measured.Case.Size} | {measured.Figure} | "
                        + $"{measured.Unit.Name} | "
                        + $"{ValueOf(figure.Simulated, measured.Unit)} | {ValueOf(measured.Measured, measured.Unit)} | {ErrorOf(figure)} | "
                        + $"{measured.Source} |");
            }
        }
    }

    /// <summary>A figure's name, in a line.</summary>
    public static string NameOf(MeasuredFigure figure) =>
        $"{figure.Case.Program} {figure.Case.Beside} {figure.Case.Size.ToString(CultureInfo.InvariantCulture)} {figure.Figure}";

    private static void WriteBounds(TextWriter writer, IReadOnlyList<ErrorBound> bounds, IReadOnlyList<ComparisonSummary> summaries)
    {
        if (bounds.Count == 0)
        {
            return;
        }

        Line(writer, "");
        Line(writer, "| bound of | unit | statistic | limit | holds |");
        Line(writer, "|---|---|---|---:|---|");
        foreach (ErrorBound bound in bounds)
        {
            string family = bound.Family == ErrorBound.Every ? "all" : bound.Family;
            Line(
                writer,
                $"| {family} | {bound.Unit.Name} | {bound.Statistic.Name} | {Number(bound.Limit, 1)} % | "
                    + $"{(bound.BrokenBy(summaries) is null ? "yes" : "no")} |");
        }
    }

    private static string ValueOf(double value, FigureUnit unit) =>
        unit == FigureUnit.Percent ? Signed(value, 1) : Number(value, unit.IsCount ? 3 : 0);

    private static string ErrorOf(ComparedFigure figure)
    {
        if (figure.Figure.Unit.IsCount)
        {
            return figure.IsExact ? "exact" : $"{Signed(figure.Simulated - figure.Figure.Measured, 3)}";
        }

        return $"{Signed(figure.ErrorPercent, 1)} {(figure.Figure.Unit == FigureUnit.Percent ? "points" : "%")}";
    }

    private static string Signed(double value, int digits) => (value >= 0 ? "+" : "") + Number(value, digits);

    private static string Number(double value, int digits) => value.ToString($"N{digits}", CultureInfo.InvariantCulture);

    private static void Line(TextWriter writer, string line) => writer.Write(line + "\n");
}
