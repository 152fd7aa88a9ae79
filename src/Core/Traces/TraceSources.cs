namespace VmSim.Core.Traces;

/// <summary>Opens a trace in whichever form it has.</summary>
public static class TraceSources
{
    /// <summary>A source of the records of <paramref name="stream"/>, whose form is known by its first bytes.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="salvage">Whether damage that shows only at opening may be passed over.</param>
    /// <exception cref="TraceFormatException">The file is empty, or binary of another version.</exception>
    public static IVmtSource Open(Stream stream, string file, bool salvage = false) =>
        OpenUnpacked(TraceStreams.Unpack(stream), file, salvage, ahead: null);

    /// <summary>As <see cref="Open"/>, for a trace that is kept in memory.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="salvage">Whether damage that shows only at opening may be passed over.</param>
    /// <param name="ahead">How blocks of a binary trace are read ahead; null for not at all.</param>
    /// <exception cref="TraceFormatException">The file is empty, or binary of another version.</exception>
    public static IVmtSource OpenToKeep(Stream stream, string file, bool salvage = false, Func<IVmtBlocks, IVmtBlocks>? ahead = null) =>
        OpenUnpacked(TraceStreams.UnpackToKeep(stream, file), file, salvage, ahead);

    private static IVmtSource OpenUnpacked(Stream unpacked, string file, bool salvage, Func<IVmtBlocks, IVmtBlocks>? ahead)
    {
        try
        {
            Stream whole = TraceStreams.Peek(unpacked, VmtBinary.Magic.Length, out byte[] head);
            if (head.Length == 0 && !salvage)
            {
                throw TraceFormatException.AtByte(file, 0, "the file is empty", "a trace");
            }

            if (!head.AsSpan().SequenceEqual(VmtBinary.Magic))
            {
                return new VmtTextReader(whole, file, isUnpacked: true);
            }

            VmtBlockReader blocks = new(whole, file);
            return new VmtBinaryReader(ahead is null ? blocks : ahead(blocks));
        }
        catch (InvalidDataException error)
        {
            throw TraceFormatException.AtByte(file, 0, $"the packed data is damaged ({error.Message})", "an undamaged file", error);
        }
    }
}
