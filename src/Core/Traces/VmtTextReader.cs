using System.Text;
using VmSim.Core.Programs;

namespace VmSim.Core.Traces;

/// <summary>Reads the text form of .vmt, version 1, plain or gzip, in constant memory.</summary>
public sealed class VmtTextReader : IVmtSource
{
    /// <summary>The version this reader knows.</summary>
    public const int Version = 1;

    /// <summary>The most references one record may hold.</summary>
    public const ulong MaxCount = 1UL << 40;

    /// <summary>The most bytes one kernel access may span: Linux's MAX_RW_COUNT (include/linux/fs.h), 2 GiB less a page.</summary>
    public const ulong MaxKernelBytes = 0x7FFF_F000;

    private const ulong MaxPage = (1UL << 52) - 1;
    private readonly LineReader _lines;

    /// <summary>Reads from <paramref name="stream"/>, which may be gzip; <paramref name="file"/> is the name for messages.</summary>
    public VmtTextReader(Stream stream, string file)
        : this(TraceStreams.Unpack(stream), file, isUnpacked: true)
    {
    }

    internal VmtTextReader(Stream unpacked, string file, bool isUnpacked)
    {
        System.Diagnostics.Debug.Assert(isUnpacked, "this constructor takes what is unpacked already");
        _lines = new LineReader(unpacked, file);
    }

    /// <inheritdoc/>
    public string File => _lines.File;

    /// <summary>The line last read, from 1.</summary>
    public long LineNumber => _lines.LineNumber;

    /// <summary>Bytes of text read so far.</summary>
    public long BytesRead => _lines.BytesRead;

    /// <inheritdoc/>
    public TraceFormatException Bad(string found, string allowed) =>
        TraceFormatException.AtLine(File, LineNumber, found, allowed);

    /// <inheritdoc/>
    public bool Read(ref VmtRecord record)
    {
        while (_lines.TryRead(out ReadOnlySpan<byte> line))
        {
            if (line.IsEmpty)
            {
                continue;
            }

            FieldReader fields = new(line[1..]);
            record = line[0] switch
            {
                (byte)'I' => ReadAccess(VmtKind.Fetch, ref fields, line),
                (byte)'R' => ReadAccess(VmtKind.Load, ref fields, line),
                (byte)'W' => ReadAccess(VmtKind.Store, ref fields, line),
                (byte)'#' => ReadComment(line),
                _ => ReadEvent(ref fields, line),
            };
            return true;
        }

        return false;
    }

    private VmtRecord ReadAccess(VmtKind kind, ref FieldReader fields, ReadOnlySpan<byte> line)
    {
        ulong count = 1;
        bool good = fields.Hex(out ulong page) && line[1] == (byte)' ' && page <= MaxPage;
        if (!good || (!fields.AtEnd && (!fields.Decimal(out count) || count - 1 >= MaxCount || !fields.AtEnd)))
        {
            throw _lines.Bad(line, "I|R|W PAGE [COUNT]: a hexadecimal page number below 2^52 and a decimal count from 1 to 2^40");
        }

        return VmtRecord.Access(kind, page, count);
    }

    private VmtRecord ReadComment(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line);
        if (VmtRules.HeaderNeeds(text) is { } needed)
        {
            throw _lines.Bad(line, needed);
        }

        return VmtRecord.Comment(text);
    }

    private VmtRecord ReadEvent(ref FieldReader fields, ReadOnlySpan<byte> line)
    {
        (VmtRecord? Record, string Allowed) read = line[0] switch
        {
            (byte)'t' =>
                (fields.Decimal(out ulong thread) && thread <= int.MaxValue ? VmtRecord.Thread(thread) : null, "t THREAD (decimal)"),
            (byte)'n' => (fields.Hex(out ulong id) ? VmtRecord.Clone(id) : null, "n TID (hexadecimal)"),
            (byte)'x' => (fields.Decimal(out ulong thread) && thread <= int.MaxValue ? VmtRecord.Exit(thread) : null, "x THREAD (decimal)"),
            (byte)'k' => (ReadProcess(ref fields), "k fork PID (decimal) or k exec"),
            (byte)'f' => (ReadFile(ref fields), "f ID PATH (decimal id below 2^31)"),
            (byte)'i' => (ReadMap(VmtKind.InitialMap, ref fields), "i START LEN PROT FLAGS FILEID|- OFF [NAME]"),
            (byte)'m' => (ReadMap(VmtKind.Map, ref fields), "m START LEN PROT FLAGS FILEID|- OFF"),
            (byte)'u' =>
                (ReadRange(ref fields, out ulong start, out ulong bytes) ? VmtRecord.Unmap(start, bytes) : null, "u START LEN [ERRNO]"),
            (byte)'p' =>
                (
                    ReadAdvisedRange(ref fields, out ulong start, out ulong bytes, out ulong rights)
                        ? VmtRecord.Protect(start, bytes, rights)
                        : null,
                    "p START LEN PROT [ERRNO]"),
            (byte)'b' => (fields.Hex(out ulong address) ? VmtRecord.SetBreak(address) : null, "b BREAK (hexadecimal)"),
            (byte)'r' => (ReadRemap(ref fields), "r OLD OLDLEN NEWLEN FLAGS NEW [ERRNO]"),
            (byte)'d' =>
                (
                    ReadAdvisedRange(ref fields, out ulong start, out ulong bytes, out ulong advice)
                        ? VmtRecord.Advise(start, bytes, advice)
                        : null,
                    "d START LEN ADVICE [ERRNO]"),
            (byte)'s' => (ReadKernel(ref fields), $"s ADDR LEN R|W with LEN from 1 to {MaxKernelBytes:x}"),
            (byte)'c' => (ReadCall(ref fields), VmtCalls.Usage),
            (byte)'w' => (
                ReadSleep(ref fields),
                $"w CALL NANOSECONDS -|*|THREAD: a name of letters, digits and _, decimal numbers, at most {VmtRules.MaxSleep} ns"),
            (byte)'g' => (
                ReadSite(ref fields),
                $"g SITE FRAME;...: a decimal number below 2^31, {CallSite.FramesMax} frames of {CallSite.FrameLengthMax} letters at most"),
            (byte)'@' => (
                fields.Decimal(out ulong site) && site <= int.MaxValue ? VmtRecord.CalledFrom(site) : null, "@ SITE (decimal, below 2^31)"),
            _ => (null, "a record: # f i t n x k m u p b r d c s w g @ I R W"),
        };
        if (read.Record is { HasTail: true } call && !fields.AtEnd)
        {
            read.Record = call.WithText(Encoding.UTF8.GetString(fields.Rest()));
            if (!VmtRules.IsLegalText(read.Record.Value))
            {
                throw _lines.Bad(line, read.Allowed);
            }
        }

        if (read.Record is not { } record || !fields.AtEnd || (line.Length > 1 && line[1] != (byte)' '))
        {
            throw _lines.Bad(line, read.Allowed);
        }

        return record;
    }

    private static VmtRecord? ReadProcess(ref FieldReader fields)
    {
        ReadOnlySpan<byte> word = fields.Word();
        if (word.SequenceEqual("exec"u8))
        {
            return VmtRecord.Exec();
        }

        return word.SequenceEqual("fork"u8) && fields.Decimal(out ulong process) ? VmtRecord.Fork(process) : null;
    }

    private static VmtRecord? ReadFile(ref FieldReader fields)
    {
        bool good = fields.Decimal(out ulong id) && id <= int.MaxValue;
        string path = Encoding.UTF8.GetString(fields.Rest());
        return good && path.Length > 0 ? VmtRecord.File((int)id, path) : null;
    }

    private static VmtRecord? ReadSite(ref FieldReader fields)
    {
        bool good = fields.Decimal(out ulong site) && site <= int.MaxValue;
        string frames = Encoding.UTF8.GetString(fields.Rest());
        return good && VmtRules.AreFrames(frames) ? VmtRecord.Site(site, frames) : null;
    }

    private static VmtRecord? ReadMap(VmtKind kind, ref FieldReader fields)
    {
        if (!ReadRange(ref fields, out ulong start, out ulong bytes) || !fields.Decimal(out ulong rights) || !fields.Hex(out ulong flags))
        {
            return null;
        }

        int file = -1;
        if (fields.Peek() == (byte)'-')
        {
            if (fields.Word().Length != 1)
            {
                return null;
            }
        }
        else if (fields.Decimal(out ulong id) && id <= int.MaxValue)
        {
            file = (int)id;
        }
        else
        {
            return null;
        }

        if (!fields.Hex(out ulong offset))
        {
            return null;
        }

        string? name = fields.AtEnd ? null : Encoding.UTF8.GetString(fields.Rest());
        return VmtRecord.Mapping(kind, start, bytes, rights, flags, file, offset, name);
    }

    /// <summary>A start and a length; the end must not pass 2^64.</summary>
    private static bool ReadRange(ref FieldReader fields, out ulong start, out ulong bytes)
    {
        bytes = 0;
        return fields.Hex(out start) && fields.Hex(out bytes) && VmtRules.IsRange(start, bytes);
    }

    /// <summary>A start, a length, which may be 0 because Linux takes it as nothing to do, and a number.</summary>
    private static bool ReadAdvisedRange(ref FieldReader fields, out ulong start, out ulong bytes, out ulong number)
    {
        number = 0;
        return ReadPerhapsEmpty(ref fields, out start, out bytes) && fields.Decimal(out number);
    }

    private static bool ReadPerhapsEmpty(ref FieldReader fields, out ulong start, out ulong bytes)
    {
        bytes = 0;
        return fields.Hex(out start) && fields.Hex(out bytes) && (bytes == 0 || VmtRules.IsRange(start, bytes));
    }

    private static VmtRecord? ReadCall(ref FieldReader fields)
    {
        if (!VmtCalls.TryParse(fields.Word(), out VmtCall call))
        {
            return null;
        }

        VmtCalls.Form form = VmtCalls.FormOf(call);
        ulong start = 0;
        ulong bytes = 0;
        ulong offset = 0;
        ulong flags = 0;
        if (form.HasPolicy)
        {
            return ReadPolicy(call, form, ref fields);
        }

        bool good = (!form.HasAdvice || fields.Decimal(out flags))
            && (!form.HasRange || ReadPerhapsEmpty(ref fields, out start, out bytes))
            && (!form.HasOffset || fields.Hex(out offset))
            && (!form.HasFlags || fields.Hex(out flags));
        return good ? VmtRecord.OfCall(call, start, bytes, flags, offset) : null;
    }

    private static VmtRecord? ReadPolicy(VmtCall call, VmtCalls.Form form, ref FieldReader fields)
    {
        ulong start = 0;
        ulong bytes = 0;
        ulong flags = 0;
        ulong mode = 0;
        ulong nodes = 0;
        bool good = (!form.HasRange || ReadPerhapsEmpty(ref fields, out start, out bytes))
            && fields.Decimal(out mode) && mode <= uint.MaxValue && fields.Hex(out nodes)
            && (!form.HasFlags || fields.Hex(out flags)) && flags <= uint.MaxValue;
        return good ? VmtRecord.OfPolicy(call, (uint)mode, nodes, start, bytes, (uint)flags) : null;
    }

    private static VmtRecord? ReadSleep(ref FieldReader fields)
    {
        string call = Encoding.UTF8.GetString(fields.Word());
        if (!VmtRules.IsCallName(call) || !fields.Decimal(out ulong nanoseconds) || nanoseconds > VmtRules.MaxSleep)
        {
            return null;
        }

        byte first = fields.Peek();
        VmtRecord sleep;
        if (first is (byte)'-' or (byte)'*')
        {
            sleep = VmtRecord.Sleep(call, nanoseconds, first == (byte)'-' ? WakeCause.Outside : WakeCause.Unknown);
            return fields.Word().Length == 1 && VmtRules.IsLegalText(sleep) ? sleep : null;
        }

        if (!fields.Decimal(out ulong thread) || thread > int.MaxValue)
        {
            return null;
        }

        sleep = VmtRecord.Sleep(call, nanoseconds, WakeCause.Thread, thread);
        return VmtRules.IsLegalText(sleep) ? sleep : null;
    }

    private static VmtRecord? ReadRemap(ref FieldReader fields) =>
        ReadPerhapsEmpty(ref fields, out ulong start, out ulong bytes) && fields.Hex(out ulong newBytes) && fields.Hex(out ulong flags)
        && fields.Hex(out ulong newStart) && VmtRules.IsRange(newStart, newBytes)
            ? VmtRecord.Remap(start, bytes, newBytes, flags, newStart)
            : null;

    private static VmtRecord? ReadKernel(ref FieldReader fields)
    {
        if (!ReadRange(ref fields, out ulong start, out ulong bytes) || bytes > MaxKernelBytes)
        {
            return null;
        }

        ReadOnlySpan<byte> mode = fields.Word();
        bool stores = mode.SequenceEqual("W"u8);
        return stores || mode.SequenceEqual("R"u8) ? VmtRecord.KernelAccess(stores, start, bytes) : null;
    }
}
