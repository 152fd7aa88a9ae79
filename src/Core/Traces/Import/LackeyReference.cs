namespace VmSim.Core.Traces.Import;

/// <summary>A line of lackey's <c>--trace-mem=yes</c> output: a letter, an address and a size.</summary>
/// <remarks>
/// Valgrind prints <c>I  0401ab70,3</c> and <c> S 1fff000608,8</c> (lackey/lk_main.c, trace_instr and its neighbours). Handouts and
/// editors change the spacing: any number of blanks or tabs before the letter, after it, around the comma and at the end is read alike,
/// and so is 0x before the address, as scanf(3) reads it.
/// </remarks>
internal readonly record struct LackeyReference(VmtKind Kind, ulong Address, uint Size)
{
    /// <summary>
    /// The most bytes one reference may have: those that XSAVE stores with AMX, 8,192 of tiles behind 2,816 of all else (Intel SDM, volume
    /// 1, chapter 13). What is longer is no reference.
    /// </summary>
    private const uint MaxSize = 8192 + 2816;

    private const int MaxDigits = 16;

    /// <summary>Reads a line.</summary>
    /// <returns>False when it is anything else.</returns>
    public static bool TryRead(ReadOnlySpan<byte> line, out LackeyReference reference)
    {
        reference = default;
        int at = Blanks(line, 0);
        int letter = at++;
        int address = Blanks(line, at);
        if (address == at || address >= line.Length || !TryKind(line[letter], out VmtKind kind))
        {
            return false;
        }

        at = IsPrefix(line, address) ? address + 2 : address;
        int first = at;
        ulong value = 0;
        for (int digit; at < line.Length && (digit = FieldReader.HexDigit(line[at])) >= 0; at++)
        {
            value = (value << 4) | (uint)digit;
        }

        int digits = at - first;
        at = Blanks(line, at);
        if (digits is 0 or > MaxDigits || at >= line.Length || line[at] != (byte)',')
        {
            return false;
        }

        at = Blanks(line, at + 1);
        uint size = 0;
        for (; at < line.Length && (uint)(line[at] - '0') <= 9 && size <= MaxSize; at++)
        {
            size = (size * 10) + (uint)(line[at] - '0');
        }

        reference = new LackeyReference(kind, value, size);
        return size is > 0 and <= MaxSize && Blanks(line, at) == line.Length;
    }

    private static bool TryKind(byte letter, out VmtKind kind)
    {
        kind = letter switch
        {
            (byte)'I' => VmtKind.Fetch,
            (byte)'L' => VmtKind.Load,
            _ => VmtKind.Store,
        };
        return letter is (byte)'I' or (byte)'L' or (byte)'S' or (byte)'M';
    }

    private static bool IsPrefix(ReadOnlySpan<byte> line, int at) =>
        at + 2 < line.Length && line[at] == (byte)'0' && (line[at + 1] | 0x20) == 'x';

    private static int Blanks(ReadOnlySpan<byte> line, int at)
    {
        while (at < line.Length && line[at] is (byte)' ' or (byte)'\t')
        {
            at++;
        }

        return at;
    }
}
