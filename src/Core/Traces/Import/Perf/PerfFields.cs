namespace VmSim.Core.Traces.Import.Perf;

/// <summary>
/// Finds what an event says by its name: <c>address=0x1000 ip=0x2000</c> of trace events, <c>addr: 0x0, len: 0x2000</c> of system calls,
/// <c>len: 8192, prot: READ|WRITE</c> of perf trace. A name that perf trace leaves out has the value 0.
/// </summary>
internal readonly ref struct PerfFields(ReadOnlySpan<byte> text)
{
    private readonly ReadOnlySpan<byte> _text = text;

    /// <summary>The value of a name as a number.</summary>
    /// <returns>False if it is not there or no number.</returns>
    public bool TryNumber(ReadOnlySpan<byte> name, out ulong value)
    {
        ReadOnlySpan<byte> rest = Find(name);
        value = 0;
        return !rest.IsEmpty && PerfText.TryNumber(ref rest, out value);
    }

    /// <summary>The value of a name as a number or as names of flags; 0 if it is not there.</summary>
    /// <param name="name">The argument's name.</param>
    /// <param name="flags">What names of flags mean.</param>
    /// <param name="value">The value.</param>
    /// <returns>False if the value is of neither kind.</returns>
    public bool TryValue(ReadOnlySpan<byte> name, PerfFlags flags, out ulong value)
    {
        ReadOnlySpan<byte> rest = Find(name);
        value = 0;
        while (!rest.IsEmpty)
        {
            ReadOnlySpan<byte> number = rest;
            bool isNumber = PerfText.TryNumber(ref number, out ulong part);
            if (isNumber && (number.IsEmpty || !char.IsAsciiLetter((char)number[0])))
            {
                rest = number;
            }
            else
            {
                int length = 0;
                while (length < rest.Length && (char.IsAsciiLetterOrDigit((char)rest[length]) || rest[length] == (byte)'_'))
                {
                    length++;
                }

                if (!flags.TryFind(rest[..length], out part))
                {
                    return false;
                }

                rest = rest[length..];
            }

            value |= part;
            if (rest.IsEmpty || rest[0] != (byte)'|')
            {
                break;
            }

            rest = rest[1..];
        }

        return true;
    }

    /// <summary>The path in quotes or angle brackets behind a name; null if there is none.</summary>
    public string? Path(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> rest = Find(name);
        int end = rest.IndexOf(", "u8);
        rest = end < 0 ? rest : rest[..end];
        int quote = rest.IndexOf((byte)'"');
        int angle = rest.IndexOf((byte)'<');
        int open = quote >= 0 ? quote : angle;
        int close = quote >= 0 ? rest.LastIndexOf((byte)'"') : rest.LastIndexOf((byte)'>');
        return open >= 0 && close > open + 1 ? System.Text.Encoding.UTF8.GetString(rest[(open + 1)..close]) : null;
    }

    /// <summary>What stands behind a name and its = or colon; names that end otherwise, such as child_pid for pid, are others.</summary>
    private ReadOnlySpan<byte> Find(ReadOnlySpan<byte> name)
    {
        for (int at = 0; at < _text.Length;)
        {
            int found = _text[at..].IndexOf(name);
            if (found < 0)
            {
                return default;
            }

            int start = at + found;
            int end = start + name.Length;
            bool begins = start == 0 || _text[start - 1] is (byte)' ' or (byte)'(' or (byte)',';
            if (begins && end < _text.Length && _text[end] is (byte)'=' or (byte)':')
            {
                return _text[(end + 1)..].TrimStart((byte)' ');
            }

            at = end;
        }

        return default;
    }
}
