using System.Globalization;
using VmSim.Core.Validation;

namespace VmSim.Host.Reporting;

/// <summary>Tells what a comparison with a real machine found, as Markdown: a summary of each family, and every figure.</summary>
internal static class ValidationPage
{
    /// <summary>Writes the tables.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="figures">All figures, in the table's order.</param>
    /// <param name="summaries">Their summaries.</param>
    /// <param name="bounds">What is promised.</param>
    public static void Write(
        TextWriter writer,
        IReadOnlyList<ComparedFigure> figures,
        IReadOnlyList<ComparisonSummary> summaries,
        IReadOnlyList<ErrorBound> bounds)
    {
        WriteSummary(writer, summaries, bounds);
        WriteFigures(writer, figures);
    }

    /// <summary>Writes the table of families, and that of bounds.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteSummary(
        TextWriter writer, IReadOnlyList<ComparisonSummary> summaries, IReadOnlyList<ErrorBound> bounds)
    {
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

        WriteBounds(writer, bounds, summaries);
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

    private static string ValueOf(double value, FigureUnit unit) => Number(value, unit.IsCount ? 3 : 0);

    private static string ErrorOf(ComparedFigure figure)
    {
        if (figure.Figure.Unit.IsCount)
        {
            return figure.IsExact ? "exact" : $"{Signed(figure.Simulated - figure.Figure.Measured, 3)}";
        }

        return $"{Signed(figure.ErrorPercent, 1)} %";
    }

    private static string Signed(double value, int digits) => (value >= 0 ? "+" : "") + Number(value, digits);

    private static string Number(double value, int digits) => value.ToString($"N{digits}", CultureInfo.InvariantCulture);

    private static void Line(TextWriter writer, string line) => writer.Write(line + "\n");
}
