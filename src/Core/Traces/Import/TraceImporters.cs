using VmSim.Core.Settings;
using VmSim.Core.Traces.Import.DrMemtrace;
using VmSim.Core.Traces.Import.Perf;
using VmSim.Core.Traces.Import.Strace;

namespace VmSim.Core.Traces.Import;

/// <summary>All importers. A new one is a class and a line here.</summary>
public static class TraceImporters
{
    /// <summary>Every importer, in order of presentation.</summary>
    public static Registry<ITraceImporter> All { get; } = new(
        "importer",
        [
            new LackeyImporter(),
            new StraceImporter(),
            new DrMemtraceImporter(),
            new ChampSimImporter(),
            new PerfImporter(),
        ],
        PlugInRule<ITraceImporter>.Objects);
}
