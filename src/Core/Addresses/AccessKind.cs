namespace VmSim.Core.Addresses;

/// <summary>What an access does to memory.</summary>
public enum AccessKind : byte
{
    /// <summary>An instruction fetch.</summary>
    Fetch = 0,

    /// <summary>A load.</summary>
    Load = 1,

    /// <summary>A store, or a read-modify-write.</summary>
    Store = 2,
}
