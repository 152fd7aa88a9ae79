using VmSim.Actors.Cluster;

namespace VmSim.Actors.Tests.Cluster;

public sealed class PieceStreamTests
{
    [Theory]
    [InlineData(0, new[] { 0 })]
    [InlineData(1, new[] { 1 })]
    [InlineData(8, new[] { 8 })]
    [InlineData(9, new[] { 8, 1 })]
    [InlineData(24, new[] { 8, 8, 8 })]
    public void Pieces_OfWhatWasWritten_AreFullButTheLast(int bytes, int[] lengths)
    {
        byte[] written = [.. Enumerable.Range(1, bytes).Select(number => (byte)number)];
        foreach (int step in (int[])[1, 3, 8, 100])
        {
            using PieceStream stream = new(8);
            foreach (byte[] some in written.Chunk(step))
            {
                stream.Write(some, 0, some.Length);
            }

            Assert.Equal(lengths, stream.Pieces.Select(piece => piece.Length));
            Assert.Equal(written, stream.Pieces.SelectMany(piece => piece));
            Assert.Equal(bytes, stream.Length);
        }
    }
}
