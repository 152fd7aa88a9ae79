using VmSim.Actors.Configuration;
using VmSim.Core.Traces.Import;
using VmSim.CoverageFuzz.Targets;

namespace VmSim.CoverageFuzz;

/// <summary>All targets. Importers and forms of traces come from their registries; a new reader of another kind is a line here.</summary>
public static class FuzzTargets
{
    /// <summary>Every target, by name.</summary>
    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = Make().ToDictionary(target => target.Name, StringComparer.Ordinal);

    private static IEnumerable<FuzzTarget> Make() =>
    [
        .. TraceImporters.All.Select(importer => new ImportTarget(importer)),
        .. TraceFiles.Endings.Select(ending => new TraceTarget(ending)),
        new BlockTarget(),
        new ScenarioTarget(),
        new MapsTarget(),
        new TableTarget(),
        new SweepTarget(),
        new FiguresTarget(),
        new ScriptTarget(),
        new ReportTarget(),
        new CertificateTarget(),
        new HostListTarget(),
        new StatisticsTarget(),
        new EnvelopeTarget(),
        new MessageTarget(),
        new SubmissionTarget(),
        new BeatTarget(),
        new EndingTarget(),
        new ChangesTarget(),
    ];
}
