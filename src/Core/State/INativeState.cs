namespace VmSim.Core.State;

/// <summary>State in native memory, which its owner writes and reads itself. The memory of an object made anew has the same size.</summary>
internal interface INativeState
{
    /// <summary>Writes the bytes that <see cref="Restore"/> reads.</summary>
    void Save(BinaryWriter writer);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    void Restore(BinaryReader reader);
}
