using VmSim.Host.Terminal;

namespace VmSim.Host.Files;

/// <summary>A file's stream whose every failure to write is an <see cref="IOException"/>.</summary>
/// <remarks>.NET takes EFBIG, which says that the file is longer than a limit or the file system allows, for a wrong argument.</remarks>
/// <param name="file">The file.</param>
internal sealed class WholeStream(FileStream file) : WriteOnlyStream
{
    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            file.Write(buffer);
        }
        catch (ArgumentOutOfRangeException reason)
        {
            throw TooLong(reason);
        }
    }

    /// <inheritdoc/>
    public override void Flush() => Flush(toDisk: false);

    /// <summary>Hands the bytes to the system, and to the disk too if that is wanted.</summary>
    public void Flush(bool toDisk)
    {
        try
        {
            file.Flush(toDisk);
        }
        catch (ArgumentOutOfRangeException reason)
        {
            throw TooLong(reason);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        try
        {
            if (disposing)
            {
                file.Dispose();
            }
        }
        catch (ArgumentOutOfRangeException reason)
        {
            throw TooLong(reason);
        }

        base.Dispose(disposing);
    }

    private static IOException TooLong(ArgumentOutOfRangeException reason) =>
        new("File too large: a limit of this process (ulimit -f), or of the file system", reason);
}
