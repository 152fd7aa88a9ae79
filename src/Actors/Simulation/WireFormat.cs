using System.Text;

namespace VmSim.Actors.Simulation;

/// <summary>
/// What all decoders of bytes from another node have in common: every field is checked against what is allowed, nothing is made room for
/// that is not there, and no byte is left over.
/// </summary>
internal static class WireFormat
{
    /// <summary>Reads a value from bytes, all of them.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="what">What they should be, for the message if they are something else.</param>
    /// <param name="read">Reads it.</param>
    /// <exception cref="InvalidDataException">The bytes end too early or too late, or hold what is not allowed.</exception>
    public static T Decode<T>(byte[] bytes, string what, Func<BinaryReader, T> read)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        using MemoryStream stream = new(bytes, writable: false);
        using BinaryReader reader = new(stream, Encoding.UTF8);
        try
        {
            T value = read(reader);
            return stream.Position == stream.Length
                ? value
                : throw new InvalidDataException($"{stream.Length - stream.Position} bytes are left over");
        }
        catch (EndOfStreamException reason)
        {
            throw new InvalidDataException($"{what}: the data end at byte {bytes.Length}, in the middle", reason);
        }
        catch (Exception reason) when (reason is InvalidDataException or FormatException or ArgumentException or IOException)
        {
            throw new InvalidDataException($"{what}: {reason.Message}", reason);
        }
    }

    /// <summary>A count of items of at least <paramref name="size"/> bytes each, which must still lie ahead.</summary>
    public static int ReadCount(this BinaryReader reader, int size)
    {
        int count = reader.ReadInt32();
        long left = reader.BaseStream.Length - reader.BaseStream.Position;
        return count >= 0 && (long)count * size <= left
            ? count
            : throw new InvalidDataException($"{count} items announced, {left} bytes are left");
    }

    /// <summary>A whole number within a range.</summary>
    public static int ReadInt32(this BinaryReader reader, int min, int max, string name)
    {
        int value = reader.ReadInt32();
        return value >= min && value <= max ? value : throw new InvalidDataException($"{name}: {value} found; {min} to {max} is allowed");
    }

    /// <summary>A whole number that is not negative.</summary>
    public static long ReadPositive(this BinaryReader reader, string name)
    {
        long value = reader.ReadInt64();
        return value >= 0 ? value : throw new InvalidDataException($"{name}: {value} found; 0 or more is allowed");
    }

    /// <summary>A byte that is 0 or 1.</summary>
    public static bool ReadFlag(this BinaryReader reader, string name)
    {
        byte value = reader.ReadByte();
        return value <= 1 ? value == 1 : throw new InvalidDataException($"{name}: {value} found; 0 or 1 is allowed");
    }

    /// <summary>A text of at most so many characters.</summary>
    public static string ReadText(this BinaryReader reader, int lengthMax, string name)
    {
        string text = reader.ReadString();
        return text.Length <= lengthMax
            ? text
            : throw new InvalidDataException($"{name}: {text.Length} characters found; at most {lengthMax} are allowed");
    }
}
