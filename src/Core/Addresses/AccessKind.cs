namespace VmSim.Core.Addresses;

/// <summary>What an access does to memory.</summary>
public enum AccessKind : byte
{
    /// <summary>The core reads an instruction.</summary>
    Fetch = 0,

    /// <summary>The core reads data.</summary>
    Load = 1,

    /// <summary>A store, or a read-modify-write.</summary>
    Store = 2,
}
