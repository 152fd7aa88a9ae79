namespace VmSim.Core.Workloads.Import;

/// <summary>All importers.</summary>
public static class TraceImporters
{
    /// <summary>Every importer, in order of presentation.</summary>
    public static IReadOnlyList<ITraceImporter> All { get; } =
        [new LackeyImporter(), new StraceImporter(), new DrMemtraceImporter(), new ChampSimImporter(), new PerfImporter()];

    /// <summary>The importer with a name; null when there is none.</summary>
    public static ITraceImporter? Find(string name) => All.FirstOrDefault(importer => importer.Name == name);
}
