using BenchmarkDotNet.Running;
using VmSim.Benchmarks;

Dictionary<string, Func<string[], int>> commands = new(StringComparer.Ordinal)
{
    ["checkpoint"] = CheckpointBenchmark.Run,
    ["engine"] = EngineBenchmark.Run,
    ["exchange"] = ExchangeBenchmark.Run,
    ["explore"] = ExploreBenchmark.Run,
    ["import"] = ImportBenchmark.Run,
    ["trace"] = TraceBenchmark.Run,
    ["memory-set"] = MemorySetBenchmark.Run,
    ["mmu"] = MmuBenchmark.Run,
    ["page-table"] = PageTableBenchmark.Run,
    ["sampling"] = SamplingBenchmark.Run,
};
if (args.Length > 0 && commands.TryGetValue(args[0], out Func<string[], int>? command))
{
    return command(args[1..]);
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
