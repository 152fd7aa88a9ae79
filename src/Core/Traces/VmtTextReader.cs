using System.Text;

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

            record = new VmtRecord { FileId = -1 };
            var fields = new FieldReader(line[1..]);
            switch (line[0])
            {
                case (byte)'I':
                    ReadAccess(ref record, VmtKind.Fetch, ref fields, line);
                    break;
                case (byte)'R':
                    ReadAccess(ref record, VmtKind.Load, ref fields, line);
                    break;
                case (byte)'W':
                    ReadAccess(ref record, VmtKind.Store, ref fields, line);
                    break;
                case (byte)'#':
                    ReadComment(ref record, line);
                    break;
                default:
                    ReadEvent(ref record, ref fields, line);
                    break;
            }

            return true;
        }

        return false;
    }

    private void ReadAccess(ref VmtRecord record, VmtKind kind, ref FieldReader fields, ReadOnlySpan<byte> line)
    {
        record.Kind = kind;
        bool good = line.Length > 1 && line[1] == (byte)' ' && fields.Hex(out record.A) && record.A <= MaxPage;
        if (good && fields.AtEnd)
        {
            record.B = 1;
            return;
        }

        if (!good || !fields.Decimal(out record.B) || record.B - 1 >= MaxCount || !fields.AtEnd)
        {
            throw _lines.Bad(line, "I|R|W PAGE [COUNT]: a hexadecimal page number below 2^52 and a decimal count from 1 to 2^40");
        }
    }

    private void ReadComment(ref VmtRecord record, ReadOnlySpan<byte> line)
    {
        record.Kind = VmtKind.Comment;
        record.Text = Encoding.UTF8.GetString(line);
        string[] words = record.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is not ["#", "vmt", _, ..])
        {
            return;
        }

        if (words[2] != "1")
        {
            throw _lines.Bad(line, "version 1 of the format: # vmt 1 NAME pagesize 4096 ...");
        }

        int pageSize = Array.IndexOf(words, "pagesize");
        if (pageSize >= 0 && (pageSize + 1 >= words.Length || words[pageSize + 1] != "4096"))
        {
            throw _lines.Bad(line, "pagesize 4096");
        }
    }

    private void ReadEvent(ref VmtRecord record, ref FieldReader fields, ReadOnlySpan<byte> line)
    {
        (bool good, string allowed) = line[0] switch
        {
            (byte)'t' => (One(ref record, VmtKind.Thread, fields.Decimal(out record.A) && record.A <= int.MaxValue), "t THREAD (decimal)"),
            (byte)'n' => (One(ref record, VmtKind.Clone, fields.Hex(out record.A)), "n TID (hexadecimal)"),
            (byte)'x' => (One(ref record, VmtKind.Exit, fields.Decimal(out record.A) && record.A <= int.MaxValue), "x THREAD (decimal)"),
            (byte)'k' => (ReadProcess(ref record, ref fields), "k fork PID (decimal) or k exec"),
            (byte)'f' => (ReadFile(ref record, ref fields), "f ID PATH (decimal id below 2^31)"),
            (byte)'i' => (ReadMap(ref record, VmtKind.InitialMap, ref fields), "i START LEN PROT FLAGS FILEID|- OFF [NAME]"),
            (byte)'m' => (ReadMap(ref record, VmtKind.Map, ref fields), "m START LEN PROT FLAGS FILEID|- OFF"),
            (byte)'u' => (ReadRange(ref record, VmtKind.Unmap, ref fields), "u START LEN"),
            (byte)'p' => (ReadRange(ref record, VmtKind.Protect, ref fields) && fields.Decimal(out record.C), "p START LEN PROT"),
            (byte)'b' => (One(ref record, VmtKind.Break, fields.Hex(out record.A)), "b BREAK (hexadecimal)"),
            (byte)'r' => (ReadRemap(ref record, ref fields), "r OLD OLDLEN NEWLEN FLAGS NEW"),
            (byte)'d' => (ReadRange(ref record, VmtKind.Advise, ref fields) && fields.Decimal(out record.C), "d START LEN ADVICE"),
            (byte)'s' => (ReadKernel(ref record, ref fields), $"s ADDR LEN R|W with LEN from 1 to {MaxKernelBytes:x}"),
            _ => (false, "a record: # f i t n x k m u p b r d s I R W"),
        };
        if (!good || !fields.AtEnd || (line.Length > 1 && line[1] != (byte)' '))
        {
            throw _lines.Bad(line, allowed);
        }
    }

    private static bool One(ref VmtRecord record, VmtKind kind, bool good)
    {
        record.Kind = kind;
        return good;
    }

    private static bool ReadProcess(ref VmtRecord record, ref FieldReader fields)
    {
        ReadOnlySpan<byte> word = fields.Word();
        record.Kind = word.SequenceEqual("exec"u8) ? VmtKind.Exec : VmtKind.Fork;
        return record.Kind == VmtKind.Exec || (word.SequenceEqual("fork"u8) && fields.Decimal(out record.A));
    }

    private static bool ReadFile(ref VmtRecord record, ref FieldReader fields)
    {
        record.Kind = VmtKind.File;
        bool good = fields.Decimal(out ulong id) && id <= int.MaxValue;
        record.FileId = (int)id;
        record.Text = Encoding.UTF8.GetString(fields.Rest());
        return good && record.Text.Length > 0;
    }

    private static bool ReadMap(ref VmtRecord record, VmtKind kind, ref FieldReader fields)
    {
        bool good = ReadRange(ref record, kind, ref fields) && fields.Decimal(out record.C) && fields.Hex(out record.D);
        if (good && fields.Peek() == (byte)'-')
        {
            good = fields.Word().Length == 1;
        }
        else
        {
            good = fields.Decimal(out ulong id) && id <= int.MaxValue && good;
            record.FileId = (int)id;
        }

        good = good && fields.Hex(out record.E);
        if (!fields.AtEnd)
        {
            record.Text = Encoding.UTF8.GetString(fields.Rest());
        }

        return good;
    }

    /// <summary>A start and a length; the end must not pass 2^64 and the length be 0 only where Linux takes it as nothing to do.</summary>
    private static bool ReadRange(ref VmtRecord record, VmtKind kind, ref FieldReader fields)
    {
        record.Kind = kind;
        bool mayBeEmpty = kind is VmtKind.Protect or VmtKind.Advise;
        return fields.Hex(out record.A) && fields.Hex(out record.B) && ((mayBeEmpty && record.B == 0) || VmtRules.IsRange(record.A, record.B));
    }

    private static bool ReadRemap(ref VmtRecord record, ref FieldReader fields) =>
        ReadRange(ref record, VmtKind.Remap, ref fields) && fields.Hex(out record.C) && fields.Hex(out record.D)
        && fields.Hex(out record.E) && VmtRules.IsRange(record.E, record.C);

    private static bool ReadKernel(ref VmtRecord record, ref FieldReader fields)
    {
        bool good = ReadRange(ref record, VmtKind.KernelLoad, ref fields) && record.B <= MaxKernelBytes;
        ReadOnlySpan<byte> mode = fields.Word();
        record.Kind = mode.SequenceEqual("W"u8) ? VmtKind.KernelStore : VmtKind.KernelLoad;
        return good && (record.Kind == VmtKind.KernelStore || mode.SequenceEqual("R"u8));
    }
}
