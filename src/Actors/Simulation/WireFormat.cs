namespace VmSim.Actors.Simulation;

/// <summary>What all decoders of bytes from another node have in common.</summary>
internal static class WireFormat
{
    /// <summary>Reads a value from bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="what">What they should be, for the message if they end too early.</param>
    /// <param name="read">Reads it.</param>
    /// <exception cref="InvalidDataException">The bytes end too early.</exception>
    public static T Decode<T>(byte[] bytes, string what, Func<BinaryReader, T> read)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        using MemoryStream stream = new(bytes, writable: false);
        using BinaryReader reader = new(stream);
        try
        {
            return read(reader);
        }
        catch (EndOfStreamException reason)
        {
            throw new InvalidDataException($"{what}: the data end at byte {bytes.Length}, in the middle", reason);
        }
    }
}
