namespace VmSim.Core.Workloads.Traces;

/// <summary>Opens a trace in whichever form it has.</summary>
public static class TraceSources
{
    /// <summary>A source of the records of <paramref name="stream"/>, whose form is known by its first bytes.</summary>
    public static IVmtSource Open(Stream stream, string file) => new VmtTextReader(stream, file);
}
