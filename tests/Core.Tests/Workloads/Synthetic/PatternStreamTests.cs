using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Statistics;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Workloads.Synthetic;

/// <summary>The stream against the plainest loop that makes the same operations one by one.</summary>
public class PatternStreamTests
{
    private const ulong Start = 0x7F00_0000_0000;
    private const ulong Pages = 5000;
    private static readonly string[] Patterns = ["zipf", "sequential", "uniform", "hot-cold"];
    private static readonly Gen<string> Pattern = Gen.Int[0, 3].Select(index => Patterns[index]);

    [Fact]
    public void Read_BlocksOfAnyLength_GivesTheSameOperations() =>
        Gen.Select(
            Pattern,
            Gen.Long[1, 3000],
            Gen.Int[0, 2].Select(index => index == 0 ? 16 : 1),
            Gen.Int[0, 2].Select(index => index == 0 ? 9L : 0),
            Gen.ULong,
            Gen.Int[1, 600].Array[1, 8])
            .Sample(
                (pattern, accesses, runLength, compute, seed, blocks) =>
                {
                    PatternShape shape = new(Start, accesses, runLength, 0.3, compute, seed);
                    PatternStream stream = new(PagePatterns.Create(pattern, Pages, seed, 1), shape);
                    List<ulong> read = [];
                    int made;
                    int turn = 0;
                    do
                    {
                        ulong[] block = new ulong[blocks[turn++ % blocks.Length]];
                        made = stream.Read(block);
                        read.AddRange(block[..made]);
                    }
                    while (made > 0);
                    Assert.Equal(OneByOne(pattern, shape), read);
                    Assert.Equal(0, stream.Left);
                },
                iter: 300);

    private static List<ulong> OneByOne(string pattern, PatternShape shape)
    {
        PagePattern pages = PagePatterns.Create(pattern, Pages, shape.Seed, 1);
        ulong draw = SeededRandom.Mix(shape.Seed);
        List<ulong> operations = [];
        Span<ulong> page = stackalloc ulong[1];
        for (long left = shape.Accesses; left > 0;)
        {
            pages.Fill(page);
            draw = (draw * 6364136223846793005) + 1442695040888963407;
            long count = Math.Min(left, 1 + (long)((((draw >> 16) & 0xFFFF) * (ulong)shape.RunLength) >> 16));
            AccessKind kind = (draw >> 32) / 4294967296.0 < shape.StoreFraction ? AccessKind.Store : AccessKind.Load;
            operations.Add(Operation.Access(kind, Start + (page[0] << 12), (int)count));
            left -= count;
            if (shape.Compute > 0)
            {
                operations.Add(Operation.ControlWord(ControlKind.Compute, (ulong)shape.Compute));
            }
        }

        return operations;
    }
}
