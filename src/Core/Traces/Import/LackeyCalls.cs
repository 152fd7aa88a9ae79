using System.Buffers.Text;
using System.Text;

namespace VmSim.Core.Traces.Import;

/// <summary>
/// Reads the arguments and results of system calls in a lackey log and hands the finished calls to <see cref="ImportedCalls"/>.
/// </summary>
internal sealed class LackeyCalls(TraceEmitter emitter, ImportSummary summary, RegionGuess guess)
{
    private const int MaxArguments = 6;
    private const int MaxSlots = 65_536;
    private const int OpenCall = 2;
    private const int OpenAtCall = 257;
    private const int MemoryFileCall = 319;
    private const int CloneCall = 56;
    private readonly ImportedCalls _calls = new(emitter, summary, guess);
    private readonly Dictionary<int, Pending> _pending = [];

    /// <summary>Takes the name and arguments of a call; the result comes later.</summary>
    /// <returns>How much of the text they take.</returns>
    public int Begin(int slot, int number, ReadOnlySpan<byte> text)
    {
        int open = text.IndexOf(" ( "u8);
        int exit = text.IndexOf("( "u8);
        if (_pending.Count > MaxSlots)
        {
            End();
        }

        if (_pending.Remove(slot, out Pending? unfinished))
        {
            ImportSummary.Add(summary.WithoutResult, unfinished.Name);
        }

        Pending call = new Pending { Number = number, Name = NameIn(text) };
        _pending[slot] = call;
        if (open < 0 && exit < 0)
        {
            return 0;
        }

        int start = open >= 0 ? open + 3 : exit + 2;
        int length = EndOfArguments(text[start..]);
        TakeArguments(call, text.Slice(start, length));
        return start + length;
    }

    /// <summary>Takes what follows the arguments, or a later line's result; without a result nothing happens.</summary>
    public void Finish(int slot, ReadOnlySpan<byte> text)
    {
        int at = text.IndexOf("Success(0x"u8);
        bool hasFailed = at < 0 && text.IndexOf("Failure("u8) >= 0;
        if ((at < 0 && !hasFailed) || !_pending.Remove(slot, out Pending? call))
        {
            return;
        }

        if (hasFailed)
        {
            ImportSummary.Add(summary.Failed, call.Name);
        }
        else if (Utf8Parser.TryParse(text[(at + 10)..], out ulong result, out _, 'x'))
        {
            _calls.Take(call.Number, call.Arguments, call.Path, result);
        }
    }

    /// <summary>Counts the calls whose result the log does not have.</summary>
    public void End()
    {
        foreach (Pending call in _pending.Values)
        {
            ImportSummary.Add(summary.WithoutResult, call.Name);
        }

        _pending.Clear();
    }

    /// <summary>The name in <c> sys_mmap ( ...</c>, without its prefix.</summary>
    private static string NameIn(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart((byte)' ');
        text = text.StartsWith("sys_"u8) ? text[4..] : text;
        int length = 0;
        while (length < text.Length && (char.IsAsciiLetterOrDigit((char)text[length]) || text[length] == (byte)'_'))
        {
            length++;
        }

        return length == 0 ? "a call without a name" : Encoding.UTF8.GetString(text[..length]);
    }

    private static int EndOfArguments(ReadOnlySpan<byte> text)
    {
        // the arrow or the bracket that follows the arguments; a path in them may hold brackets, but hardly these
        int sync = text.IndexOf(" )["u8);
        int arrow = text.IndexOf(" ) "u8);
        int end = sync >= 0 && (arrow < 0 || sync < arrow) ? sync : arrow;
        return end >= 0 ? end : text.Length;
    }

    private static void TakeArguments(Pending call, ReadOnlySpan<byte> text)
    {
        if (call.Number is OpenCall or OpenAtCall or MemoryFileCall)
        {
            int open = text.IndexOf((byte)'(');
            int close = text.LastIndexOf((byte)')');
            call.Path = open >= 0 && close > open ? Encoding.UTF8.GetString(text[(open + 1)..close]) : null;
            return;
        }

        for (int index = 0; index < MaxArguments && !text.IsEmpty; index++)
        {
            int comma = text.IndexOf((byte)',');
            ReadOnlySpan<byte> word = comma < 0 ? text : text[..comma];
            text = comma < 0 ? default : text[(comma + 1)..];
            call.Arguments[index] = Argument(word.Trim((byte)' '), call.Number == CloneCall && index == 0);
        }
    }

    /// <summary>Pointers have a 0x, numbers are unsigned decimal, and clone's flags are hexadecimal without a 0x.</summary>
    private static ulong Argument(ReadOnlySpan<byte> word, bool isBareHex)
    {
        bool isHex = word.StartsWith("0x"u8);
        ulong value;
        _ = isHex ? Utf8Parser.TryParse(word[2..], out value, out _, 'x')
            : isBareHex ? Utf8Parser.TryParse(word, out value, out _, 'x')
            : Utf8Parser.TryParse(word, out value, out _);
        return value;
    }

    private sealed class Pending
    {
        public int Number { get; init; }

        public string Name { get; init; } = "";

        public ulong[] Arguments { get; } = new ulong[MaxArguments];

        public string? Path { get; set; }
    }
}
