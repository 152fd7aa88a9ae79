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
        OpenUnpacked(TraceStreams.Unpack(stream), file, salvage);

    /// <summary>As <see cref="Open"/>, for a trace that is kept in memory.</summary>
    internal static IVmtSource OpenToKeep(Stream stream, string file, bool salvage) =>
        OpenUnpacked(TraceStreams.UnpackToKeep(stream, file), file, salvage);

    private static IVmtSource OpenUnpacked(Stream unpacked, string file, bool salvage)
    {
        try
        {
            Stream whole = TraceStreams.Peek(unpacked, VmtBinary.Magic.Length, out byte[] head);
            if (head.Length == 0 && !salvage)
            {
                throw TraceFormatException.AtByte(file, 0, "the file is empty", "a trace");
            }

            return head.AsSpan().SequenceEqual(VmtBinary.Magic)
                ? new VmtBinaryReader(whole, file)
                : new VmtTextReader(whole, file, isUnpacked: true);
        }
        catch (InvalidDataException error)
        {
            throw TraceFormatException.AtByte(file, 0, $"the packed data is damaged ({error.Message})", "an undamaged file", error);
        }
    }
}
