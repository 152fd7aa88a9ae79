using System.Diagnostics;
using VmSim.CoverageFuzz;
using VmSim.Hostile.Tests.Mutations;
using Xunit.Abstractions;

namespace VmSim.Hostile.Tests.Strangers;

/// <summary>
/// Damaged messages of nodes and damaged requests, given to what decodes them: each is taken or refused with a word, and nothing of it
/// stays in memory. The long form takes 10 million.
/// </summary>
[Collection(Alone.Name)]
public sealed class DecoderTests(ITestOutputHelper log)
{
    /// <summary>What comes over a socket, and is decoded in a process that serves others too.</summary>
    private static readonly string[] Targets =
        ["message", "envelope", "table-changes", "statistics", "submission", "beat", "ending"];

    /// <summary>Far more than tables that grow once, and far less than a byte of each input.</summary>
    private const long GrowthMax = 4 << 20;

    [Fact]
    public void AnyMessageOrRequest_Damaged_IsTakenOrRefused() => Take(10_000);

    [Fact]
    [Trait("Category", "Long")]
    public void ManyMessagesAndRequests_Damaged_AreTakenOrRefused() => Take(Scratch.Number("VMSIM_HOSTILE_RUNS", 10_000_000));

    private void Take(int count)
    {
        int first = Scratch.Number("VMSIM_HOSTILE_SEED", 1);
        (FuzzTarget Target, byte[] Input)[] seeds =
            [.. Targets.SelectMany(name => FuzzTargets.All[name].Seeds.Select(seed => (FuzzTargets.All[name], seed)))];
        long begun = Stopwatch.GetTimestamp();
        long taken = TakeSome(seeds, first, count / 10);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        taken += TakeSome(seeds, first + (count / 10), count - (count / 10));
        long growth = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.InRange(taken, 1, count - 1);
        Assert.True(growth <= GrowthMax, $"the heap has grown by {growth} bytes");
        log.WriteLine(
            $"{count} inputs from seed {first} in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s: {taken} taken, "
            + $"{count - taken} refused; the heap grew by {growth} bytes from the first tenth to the end");
    }

    private static long TakeSome((FuzzTarget Target, byte[] Input)[] seeds, int first, int count)
    {
        long taken = 0;
        Parallel.For(first, first + count, () => 0L, TakeOne, sum => Interlocked.Add(ref taken, sum));
        return taken;

        long TakeOne(int seed, ParallelLoopState state, long sum)
        {
            (FuzzTarget target, byte[] input) = seeds[seed % seeds.Length];
            byte[] damaged = new Mutator(seed).Mutate(input);
            try
            {
                return target.Take(damaged) ? sum + 1 : sum;
            }
            catch (Exception reason)
            {
                throw new InvalidOperationException(
                    $"{target.Name}, again with VMSIM_HOSTILE_SEED={seed} VMSIM_HOSTILE_RUNS=10: {Convert.ToHexString(damaged)}", reason);
            }
        }
    }
}
