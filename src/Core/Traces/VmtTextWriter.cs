using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace VmSim.Core.Traces;

/// <summary>Takes the records of a trace in order.</summary>
public interface IVmtSink
{
    /// <summary>Takes the next record.</summary>
    void Write(in VmtRecord record);
}

/// <summary>Writes the text form of .vmt. Dispose or flush it at the end; the stream stays open.</summary>
public sealed class VmtTextWriter(Stream stream) : IVmtSink, IDisposable
{
    /// <summary>More bytes than the longest line without a text has.</summary>
    private const int RoomOfCall = 256;

    private readonly byte[] _buffer = new byte[LineReader.MaxLine + RoomOfCall];
    private int _length;

    /// <summary>The header of a trace named <paramref name="name"/>, filtered by <paramref name="sets"/> sets.</summary>
    public static VmtRecord Header(string name, int sets)
    {
        string word = string.Join('_', name.Split([' ', '\t', '\n', '\r']));
        return VmtRecord.Comment($"# vmt 1 {word} pagesize 4096 filter direct-mapped sets={sets} (separate I and D)");
    }

    /// <inheritdoc/>
    public void Write(in VmtRecord record)
    {
        if (_buffer.Length - _length < RoomOfCall)
        {
            Flush();
        }

        switch (record.Kind)
        {
            case VmtKind.Fetch:
                WriteAccess((byte)'I', record);
                break;
            case VmtKind.Load:
                WriteAccess((byte)'R', record);
                break;
            case VmtKind.Store:
                WriteAccess((byte)'W', record);
                break;
            case VmtKind.Map or VmtKind.Unmap or VmtKind.Protect or VmtKind.Advise when record.Kind == VmtKind.Map || record.Text is null:
                WriteCall(record);
                break;
            default:
                WriteText(Describe(record));
                break;
        }
    }

    /// <summary>Hands everything written so far to the stream.</summary>
    public void Flush()
    {
        stream.Write(_buffer, 0, _length);
        _length = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Flush();

    /// <summary>A record as the line of text it is, without a line feed.</summary>
    public static string Describe(in VmtRecord r) => r.HasTail && r.Text is { } tail ? $"{Fields(r)} {tail}" : Fields(r);

    private static string Fields(in VmtRecord r) => r.Kind switch
    {
        VmtKind.Comment => r.Text!,
        VmtKind.File => $"f {r.FileId} {r.Text}",
        VmtKind.InitialMap => $"i {MapFields(r)}{(r.Text is null ? "" : " " + r.Text)}",
        VmtKind.Thread => $"t {r.Number}",
        VmtKind.Clone => $"n {r.Number:x}",
        VmtKind.Exit => $"x {r.Number}",
        VmtKind.Fork => $"k fork {r.Number}",
        VmtKind.Exec => "k exec",
        VmtKind.Map => $"m {MapFields(r)}",
        VmtKind.Unmap => $"u {r.Start:x} {r.Bytes:x}",
        VmtKind.Protect => $"p {r.Start:x} {r.Bytes:x} {r.Rights}",
        VmtKind.Break => $"b {r.Break:x}",
        VmtKind.Remap => $"r {r.Start:x} {r.Bytes:x} {r.NewBytes:x} {r.Flags:x} {r.NewStart:x}",
        VmtKind.Advise => $"d {r.Start:x} {r.Bytes:x} {r.Advice}",
        VmtKind.KernelLoad => $"s {r.Start:x} {r.Bytes:x} R",
        VmtKind.KernelStore => $"s {r.Start:x} {r.Bytes:x} W",
        VmtKind.Call => CallFields(r),
        VmtKind.Sleep => $"w {r.Text} {r.Nanoseconds} {EndOf(r)}",
        VmtKind.Site => $"g {r.Number} {r.Text}",
        VmtKind.CalledFrom => $"@ {r.Number}",
        VmtKind.Fetch => Access('I', r),
        VmtKind.Load => Access('R', r),
        VmtKind.Store => Access('W', r),
        _ => throw new ArgumentOutOfRangeException(nameof(r), r.Kind, "not a record"),
    };

    private static string Access(char kind, in VmtRecord r) => r.Count == 1 ? $"{kind} {r.Page:x}" : $"{kind} {r.Page:x} {r.Count}";

    private static string EndOf(in VmtRecord sleep) => sleep.WakeCause switch
    {
        WakeCause.Outside => "-",
        WakeCause.Unknown => "*",
        _ => sleep.Waker.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    private static string CallFields(in VmtRecord r)
    {
        VmtCalls.Form form = VmtCalls.FormOf(r.Call);
        if (form.HasPolicy)
        {
            string range = form.HasRange ? $" {r.Start:x} {r.Bytes:x}" : "";
            return $"c {form.Name}{range} {r.PolicyMode} {r.PolicyNodes:x}{(form.HasFlags ? $" {r.PolicyFlags:x}" : "")}";
        }

        return $"c {form.Name}{(form.HasAdvice ? $" {r.Advice}" : "")}{(form.HasRange ? $" {r.Start:x} {r.Bytes:x}" : "")}"
            + $"{(form.HasOffset ? $" {r.Offset:x}" : "")}{(form.HasFlags ? $" {r.Flags:x}" : "")}";
    }

    private static string MapFields(in VmtRecord r) =>
        $"{r.Start:x} {r.Bytes:x} {r.Rights} {r.Flags:x} {(r.FileId < 0 ? "-" : r.FileId)} {r.Offset:x}";

    private void WriteAccess(byte kind, in VmtRecord record)
    {
        Span<byte> line = _buffer.AsSpan(_length);
        line[0] = kind;
        line[1] = (byte)' ';
        Utf8Formatter.TryFormat(record.Page, line[2..], out int digits, new System.Buffers.StandardFormat('x'));
        int length = 2 + digits;
        if (record.Count != 1)
        {
            line[length++] = (byte)' ';
            Utf8Formatter.TryFormat(record.Count, line[length..], out digits);
            length += digits;
        }

        line[length++] = (byte)'\n';
        _length += length;
    }

    /// <summary>The frequent calls without a string in between.</summary>
    private void WriteCall(in VmtRecord r)
    {
        Span<byte> line = _buffer.AsSpan(_length);
        int length;
        bool fits = (r.Kind, r.FileId) switch
        {
            (VmtKind.Map, < 0) => Utf8.TryWrite(line, $"m {r.Start:x} {r.Bytes:x} {r.Rights} {r.Flags:x} - {r.Offset:x}\n", out length),
            (VmtKind.Map, _) =>
                Utf8.TryWrite(line, $"m {r.Start:x} {r.Bytes:x} {r.Rights} {r.Flags:x} {r.FileId} {r.Offset:x}\n", out length),
            (VmtKind.Unmap, _) => Utf8.TryWrite(line, $"u {r.Start:x} {r.Bytes:x}\n", out length),
            (VmtKind.Protect, _) => Utf8.TryWrite(line, $"p {r.Start:x} {r.Bytes:x} {r.Rights}\n", out length),
            _ => Utf8.TryWrite(line, $"d {r.Start:x} {r.Bytes:x} {r.Advice}\n", out length),
        };
        System.Diagnostics.Debug.Assert(fits, "room for the longest call was made");
        _length += length;
    }

    private void WriteText(string line)
    {
        // What was no UTF-8 has become longer. A name that is too long for a line is cut before a
        // character (RFC 3629: bytes within one begin with 10), so that the trace can be read again.
        byte[] whole = Encoding.UTF8.GetBytes(line);
        int length = Math.Min(whole.Length, LineReader.MaxLine);
        while (length < whole.Length && (whole[length] & 0xC0) == 0x80)
        {
            length--;
        }

        ReadOnlySpan<byte> bytes = whole.AsSpan(0, length);
        if (bytes.Length + 1 > _buffer.Length - _length)
        {
            Flush();
        }

        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
        _buffer[_length++] = (byte)'\n';
    }
}
