namespace VmSim.Actors.Cluster;

/// <summary>
/// Takes bytes as pieces that fit into messages: what a node has come to may be more than one array holds (2 GiB), and is written down as
/// it comes.
/// </summary>
/// <param name="pieceBytes">Most bytes of a piece; all but the last have so many.</param>
internal sealed class PieceStream(int pieceBytes) : Stream
{
    private readonly List<byte[]> _full = [];
    private byte[] _open = new byte[pieceBytes];
    private int _count;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => ((long)_full.Count * pieceBytes) + _count;

    /// <inheritdoc/>
    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    /// <summary>What was written, in at least one piece.</summary>
    public IReadOnlyList<byte[]> Pieces => _count > 0 || _full.Count == 0 ? [.. _full, _open[.._count]] : _full;

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            int count = Math.Min(buffer.Length, pieceBytes - _count);
            buffer[..count].CopyTo(_open.AsSpan(_count));
            _count += count;
            buffer = buffer[count..];
            if (_count == pieceBytes)
            {
                _full.Add(_open);
                (_open, _count) = (new byte[pieceBytes], 0);
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // What is written is there.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
