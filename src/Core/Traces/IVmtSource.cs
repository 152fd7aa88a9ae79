namespace VmSim.Core.Traces;

/// <summary>A trace as a sequence of records, whatever its form on disk.</summary>
public interface IVmtSource
{
    /// <summary>The file's name, for messages.</summary>
    string File { get; }

    /// <summary>Reads the next record into <paramref name="record"/>.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="TraceFormatException">The trace is damaged here.</exception>
    bool Read(ref VmtRecord record);

    /// <summary>
    /// Reads the records of references to pages that stand next, as many as are known at once. Whatever stands behind them is read by
    /// <see cref="Read"/>, damage too.
    /// </summary>
    /// <param name="accesses">Takes them.</param>
    /// <returns>How many were read; 0 says nothing of what stands next.</returns>
    int ReadAccesses(Span<VmtAccess> accesses) => 0;

    /// <summary>An error about the record last read: <paramref name="found"/> stands there, <paramref name="allowed"/> may.</summary>
    TraceFormatException Bad(string found, string allowed);
}
