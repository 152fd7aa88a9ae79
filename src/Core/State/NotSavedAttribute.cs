namespace VmSim.Core.State;

/// <summary>A field that is no state: a checkpoint leaves it out, and an object that is restored keeps what it has there.</summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class NotSavedAttribute : Attribute;
