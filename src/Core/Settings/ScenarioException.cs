namespace VmSim.Core.Settings;

/// <summary>A scenario that cannot be run, with what was found and what is allowed, for the person who wrote it.</summary>
public sealed class ScenarioException : Exception
{
    /// <summary>Makes an exception without a message.</summary>
    public ScenarioException()
    {
    }

    /// <summary>Makes an exception with a message for the person who wrote the scenario.</summary>
    public ScenarioException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message for the person who wrote the scenario, and its cause.</summary>
    public ScenarioException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
