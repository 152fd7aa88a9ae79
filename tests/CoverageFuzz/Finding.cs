namespace VmSim.CoverageFuzz;

/// <summary>
/// A reader has taken an input and given something that cannot be: what it wrote cannot be read again, or says something else.
/// </summary>
public sealed class Finding : Exception
{
    /// <summary>Makes a finding without words.</summary>
    public Finding()
    {
    }

    /// <summary>Makes a finding.</summary>
    /// <param name="message">What cannot be.</param>
    public Finding(string message)
        : base(message)
    {
    }

    /// <summary>Makes a finding with what showed it.</summary>
    /// <param name="message">What cannot be.</param>
    /// <param name="inner">What showed it.</param>
    public Finding(string message, Exception inner)
        : base(message, inner)
    {
    }
}
