using VmSim.Core.Addresses;
using VmSim.Core.Reports;
using VmSim.Host.Terminal;

namespace VmSim.Host.Reporting;

/// <summary>The columns that say whose a shootdown, fault or call was, in every list.</summary>
internal sealed class CauseTexts
{
    private readonly CauseNamesOf _names;
    private readonly Dictionary<(int Space, int Cause), CauseReport> _causes;

    /// <summary>Reads a report's causes.</summary>
    public CauseTexts(RunReport report)
    {
        _names = new CauseNamesOf(report);
        _causes = report.Causes.ToDictionary(cause => (cause.AddressSpace.Value, cause.Number));
    }

    /// <summary>Adds the columns to a list.</summary>
    /// <param name="table">The list.</param>
    /// <param name="keyOf">The space and cause of a row.</param>
    /// <param name="threadOf">Whose a row is; null for the thread of its cause.</param>
    public void AddTo<T>(ListTable<T> table, Func<T, (SpaceId Space, int Cause)> keyOf, Func<T, ThreadId>? threadOf = null)
    {
        CauseReport? CauseOf(T row) => keyOf(row) is (SpaceId space, int cause) ? _causes.GetValueOrDefault((space.Value, cause)) : null;
        table.AddText("process", row => CauseOf(row) is null && threadOf is null ? "" : _names.Process(keyOf(row).Space));
        table.AddText("thread", row => threadOf is not null ? _names.Thread(threadOf(row))
            : CauseOf(row) is { } cause ? _names.Thread(cause.Row.Thread) : "");
        table.AddText("call", row => CauseOf(row)?.Row.Call ?? "");
        table.AddText("object", row => PlainWriter.Line(CauseOf(row)?.Row.Object ?? ""));
        table.AddText("area", row => CauseOf(row)?.Row.Area?.ToString() ?? "");
        table.AddText("site", row => PlainWriter.Line(CauseOf(row)?.Row.Site?.Text ?? ""));
    }
}
