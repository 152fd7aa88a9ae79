using VmSim.Core.Settings;

namespace VmSim.Core.Experiments;

/// <summary>What is wrong with a table, all of it at once.</summary>
internal sealed class TableProblems
{
    /// <summary>Problems that are named; the others are counted.</summary>
    private const int NamedMax = 20;

    private readonly List<string> _named = [];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>Notes a problem.</summary>
    public void Add(string problem)
    {
        Count++;
        if (Count <= NamedMax)
        {
            _named.Add(problem);
        }
    }

    /// <summary>Does something, and notes what is wrong with it.</summary>
    public void Try(Action act)
    {
        try
        {
            act();
        }
        catch (Exception reason) when (reason is TableFormatException or ScenarioException)
        {
            Add(reason.Message);
        }
    }

    /// <summary>Fails if there are any.</summary>
    /// <exception cref="TableFormatException">There are; its message has a line for each of the first.</exception>
    public void ThrowIfAny()
    {
        if (Count > 0)
        {
            string more = Count > NamedMax ? $"\n... and {Count - NamedMax} more" : "";
            throw new TableFormatException(string.Join('\n', _named) + more);
        }
    }
}
