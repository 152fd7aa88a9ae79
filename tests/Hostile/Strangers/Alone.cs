namespace VmSim.Hostile.Tests.Strangers;

/// <summary>Tests that look at the memory of their process, and so have it for themselves.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>Their collection.</summary>
    public const string Name = "alone";
}
