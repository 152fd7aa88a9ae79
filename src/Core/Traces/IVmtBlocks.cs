namespace VmSim.Core.Traces;

/// <summary>The blocks of a binary trace, one after another, each checked and unpacked.</summary>
public interface IVmtBlocks : IDisposable
{
    /// <summary>The file's name, for messages.</summary>
    string File { get; }

    /// <summary>Reads the next block into <paramref name="block"/>.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="TraceFormatException">The trace is damaged here.</exception>
    bool Read(VmtBlock block);
}
