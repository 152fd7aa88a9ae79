using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Tests.Workloads;

/// <summary>Streams that go over accesses: what they read afterwards is what stands there.</summary>
public class SkippingStreamTests
{
    private const long Accesses = 300_000;

    public static TheoryData<string, long, int> Patterns()
    {
        TheoryData<string, long, int> cases = [];
        foreach (PagePatternKind kind in PagePatterns.All)
        {
            foreach (int run in (int[])[1, 7, 1024])
            {
                cases.Add(kind.Name, 4096, run);
                cases.Add(kind.Name, 3001, run);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Skip_Pattern_ReadsOnWhereItStands(string pattern, long pages, int run)
    {
        PatternProgram program = new() { Pattern = pattern, Pages = pages, Accesses = Accesses, RunLength = run, Threads = 1 };
        Compare(program.Build(new ProgramContext("p", 0, 5, 4)));
    }

    [Fact]
    public void Skip_ThroughputMix_StopsBeforeEachCall()
    {
        ThroughputMix program = new() { Accesses = Accesses, RunLength = 3, ChurnEvery = 20_000, Threads = 4 };
        Compare(program.Build(new ProgramContext("mix", 0, 5, 4)));
    }

    [Fact]
    public void Skip_MovedAndNoisyProgram_ReadsOnWhereItStands()
    {
        PatternProgram program = new() { Pages = 4096, Accesses = Accesses, Threads = 1 };
        ProgramImage image = program.Build(new ProgramContext("p", 0, 5, 4));
        Compare(ProgramNoise.Over(MovedProgram.By(image, default(Up)), 3, 0, startCycles: 100, computePercent: 10));
    }

    [Fact]
    public void Skippable_WithComputing_IsNothing()
    {
        PatternProgram program = new() { Pages = 4096, Accesses = Accesses, Compute = 5, Threads = 1 };
        ISkippingStream stream = Assert.IsAssignableFrom<ISkippingStream>(Open(program.Build(new ProgramContext("p", 0, 5, 4)), 0));
        Assert.Equal(0, stream.Skippable);
    }

    /// <summary>Skips and reads in turns, and compares what is read with what an equal stream has there.</summary>
    private static void Compare(ProgramImage image)
    {
        for (int thread = 0; thread < image.Threads.Count; thread++)
        {
            List<ulong> all = ReadAll(Open(image, thread));
            ISkippingStream stream = Assert.IsAssignableFrom<ISkippingStream>(Open(image, thread));
            HashSet<ulong> pages = [.. Enumerable.Range(0, (int)stream.Pages.Count).Select(page => stream.Pages.AddressOf(page))];
            ulong[] block = new ulong[8];
            long skippedInAll = 0;
            int at = 0;
            for (long step = 1; ; step = (step * 5) % 65_537)
            {
                long accesses = Math.Min(stream.Skippable, step);
                long skipped = stream.Skip(accesses, out long operations);
                long counted = 0;
                for (int i = 0; i < operations; i++, at++)
                {
                    Operation operation = new(all[at]);
                    Assert.False(operation.IsControl);
                    Assert.Contains(operation.PageAddress, pages);
                    Assert.InRange(operation.PageAddress, stream.Pages.Start.Value, stream.Pages.End.Value - 1);
                    Assert.True(operation.Kind == AccessKind.Load ? stream.Pages.Loads : stream.Pages.Stores);
                    counted += operation.Count;
                }

                Assert.Equal(skipped, counted);
                Assert.InRange(accesses - skipped, 0, accesses == 0 ? 0 : Operation.MaxCount - 1);
                skippedInAll += skipped;
                int read = stream.Read(block);
                if (read == 0)
                {
                    break;
                }

                Assert.Equal(all.Skip(at).Take(read), block.Take(read));
                at += read;
            }

            Assert.Equal(all.Count, at);
            Assert.InRange(skippedInAll, Accesses / 4, Accesses);
        }
    }

    private static IOperationStream Open(ProgramImage image, int thread) => image.Threads[thread].Open();

    private static List<ulong> ReadAll(IOperationStream stream)
    {
        List<ulong> all = [];
        ulong[] block = new ulong[512];
        for (int read = stream.Read(block); read > 0; read = stream.Read(block))
        {
            all.AddRange(block.AsSpan(0, read));
        }

        return all;
    }

    private readonly struct Up : IAddressMove
    {
        public ulong Of(ulong address) => 1UL << 30;

        public ulong OfBreak(VirtAddr address) => 0;
    }
}
