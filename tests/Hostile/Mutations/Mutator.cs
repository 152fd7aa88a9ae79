namespace VmSim.Hostile.Tests.Mutations;

/// <summary>Changes inputs as damage and malice do: bits, pieces, numbers, brackets. Everything follows from the seed.</summary>
/// <param name="seed">The seed.</param>
internal sealed class Mutator(int seed)
{
    private static readonly string[] Pieces =
    [
        "0", "-1", "1e999", "18446744073709551615", "9223372036854775808", "ffffffffffffffff", "7ffffffffffff000", "4294967296",
        "\0", "\u001b[31m",
        "{", "}", "[", "]", "\"", "\"\"\"", "=", "${a}", "include \"x\"", "#", "//", ",", ";",
        "\n", "\r\n", "\t", " ", "\u2028", "null", "NaN",
        "k fork 5", "k exec", "t 99999", "x 1", "n 1", "i 0 ffffffffffffffff 7 100 - 0 x", "m 0 1 7 22 - 0",
        "u 0 ffffffffffffffff", "s 0 7ffff000 W",
        "W fffffffffffff 1099511627776", "b ffffffffffffffff", "r 1000 1000 2000 1 ffffffffffffe000",
    ];

    // Tests draw from a seed that they print.
    private readonly Random _random = new(seed);

    /// <summary>A changed copy.</summary>
    public byte[] Mutate(byte[] input)
    {
        List<byte> bytes = [.. input];
        for (int changes = 1 + _random.Next(4); changes > 0; changes--)
        {
            Change(bytes);
        }

        return [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(bytes.Count - at, _random.Next(1, 40));
        switch (_random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 4:
                bytes.InsertRange(_random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 5:
                byte[] piece = System.Text.Encoding.UTF8.GetBytes(Pieces[_random.Next(Pieces.Length)]);
                bytes.InsertRange(at, Enumerable.Repeat(piece, _random.Next(10) == 0 ? 500 : 1).SelectMany(part => part));
                break;
            case 6:
                ReplaceNumber(bytes, at);
                break;
            default:
                byte[] noise = new byte[_random.Next(1, 16)];
                _random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
        }
    }

    /// <summary>Puts an extreme number into the place of the next one.</summary>
    private void ReplaceNumber(List<byte> bytes, int at)
    {
        int first = bytes.FindIndex(at, value => value is >= (byte)'0' and <= (byte)'9');
        if (first < 0)
        {
            return;
        }

        int end = first;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9')
        {
            end++;
        }

        bytes.RemoveRange(first, end - first);
        bytes.InsertRange(first, System.Text.Encoding.UTF8.GetBytes(Pieces[_random.Next(8)]));
    }
}
