using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Workloads;

namespace VmSim.Core.Tests.Workloads;

public sealed class ProgramNoiseTests
{
    private static readonly ulong[] Words =
    [
        Operation.ControlWord(ControlKind.Compute, 1000), Operation.Access(AccessKind.Store, 0x1000),
        Operation.ControlWord(ControlKind.Compute, 0), Operation.ControlWord(ControlKind.Compute, (1UL << 56) - 1),
    ];

    [Fact]
    public void Over_WithoutNoise_IsTheProgramItself()
    {
        ProgramImage image = Image();
        Assert.Same(image, ProgramNoise.Over(image, 1, 0, startCycles: 0, computePercent: 0));
    }

    /// <summary>However it is read, a stream is the same; another seed, copy or thread draws something else.</summary>
    [Fact]
    public void Over_SameSeed_IsTheSameStream()
    {
        ulong[] first = Read(1, 0, 0, 512);
        Assert.Equal(first, Read(1, 0, 0, 2));
        Assert.NotEqual(first, Read(2, 0, 0, 512));
        Assert.NotEqual(first, Read(1, 1, 0, 512));
        Assert.NotEqual(first, Read(1, 0, 1, 512));
    }

    [Fact]
    public void Over_ManySeeds_StayWithinTheirBounds()
    {
        HashSet<ulong> late = [];
        for (ulong seed = 0; seed < 200; seed++)
        {
            List<ulong> words = [.. Read(seed, 0, 0, 512)];
            if (new Operation(words[0]).Control == ControlKind.Sleep)
            {
                late.Add(new Operation(words[0]).Argument);
                words.RemoveAt(0);
            }

            Assert.Equal(Words.Length, words.Count);
            Assert.InRange(new Operation(words[0]).Argument, 900UL, 1100UL);
            Assert.Equal(Words[1], words[1]);
            Assert.Equal(Words[2], words[2]);
            Assert.InRange(new Operation(words[3]).Argument, 1UL << 55, (1UL << 56) - 1);
        }

        Assert.True(late.Count > 100, $"{late.Count} of 200 seeds differ");
        Assert.All(late, cycles => Assert.InRange(cycles, 1UL, 5000UL));
    }

    private static ulong[] Read(ulong seed, int copy, int thread, int block)
    {
        IOperationStream stream = ProgramNoise.Over(Image(), seed, copy, startCycles: 5000, computePercent: 10).Threads[thread].Open();
        List<ulong> words = [];
        ulong[] buffer = new ulong[block];
        for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
        {
            words.AddRange(buffer.AsSpan(0, count));
        }

        return [.. words];
    }

    private static ProgramImage Image()
    {
        ThreadProgram thread = new() { Name = "t", Open = () => new ArrayStream(Words), SystemCalls = [] };
        return new ProgramImage { Name = "p", Threads = [thread, thread] };
    }
}
