using VmSim.Core.Traces;

namespace VmSim.Actors.Configuration;

/// <summary>Texts of traces that are kept in their binary form once they have been read, to be read faster the next time.</summary>
public interface IConvertedTraces
{
    /// <summary>Opens a trace in the form that is kept, or so that it is kept once it has been read to its end.</summary>
    /// <param name="trace">The trace's file, at its beginning.</param>
    /// <param name="name">What it is called, for messages.</param>
    /// <returns>
    /// Its records, to be disposed of; null if nothing is kept of it, and then <paramref name="trace"/> is at its beginning.
    /// </returns>
    /// <exception cref="TraceFormatException">The trace cannot be read.</exception>
    IVmtSource? Open(FileStream trace, string name);
}
