using System.Globalization;
using VmSim.Core.Shootdown;

namespace VmSim.Mutants;

/// <summary>
/// Changes the protocols' sources place by place and says which changes nobody finds.
/// <c>run [protocol...] [--most N]</c> judges and prints tables; <c>list [protocol...]</c> prints the mutants.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        int most = int.MaxValue;
        if (args is [.., "--most", { } number])
        {
            most = int.Parse(number, CultureInfo.InvariantCulture);
            args = args[..^2];
        }

        switch (args)
        {
            case ["list", .. string[] names]:
                foreach (Mutant mutant in names.DefaultIfEmpty(null).SelectMany(MutantsOf))
                {
                    Console.WriteLine($"{mutant.Protocol} {mutant.Line}: {mutant.Key}");
                }

                return 0;
            case ["run", .. string[] names]:
                return await new MutantRun(names, most).RunAsync();
            case ["judge", { } protocol, { } from, { } step]:
                Judge(protocol, int.Parse(from, CultureInfo.InvariantCulture), int.Parse(step, CultureInfo.InvariantCulture));
                return 0;
            default:
                await Console.Error.WriteLineAsync("run [PROTOCOL...] [--most N], or list [PROTOCOL...]");
                return 64;
        }
    }

    /// <summary>The mutants of a protocol, of all for null.</summary>
    public static IEnumerable<Mutant> MutantsOf(string? name)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Protocols");
        foreach (IShootdownProtocol protocol in ShootdownProtocols.All.Where(each => name is null || each.Name == name))
        {
            string type = protocol.GetType().Name;
            string[] files =
            [
                .. Directory.EnumerateFiles(folder, $"{type}.cs").Concat(Directory.EnumerateFiles(folder, $"{type}.*.cs"))
                    .Order(StringComparer.Ordinal),
            ];
            foreach (Mutant mutant in Mutant.Of(protocol.Name, files))
            {
                yield return mutant;
            }
        }
    }

    /// <summary>Judges every so many mutants of a protocol from one on; prints a line before each, and one with what was found.</summary>
    private static void Judge(string protocol, int from, int step)
    {
        IShootdownProtocol original = ShootdownProtocols.All.Find(protocol)!;
        MutantCompiler compiler = new();
        int number = 0;
        foreach (Mutant mutant in MutantsOf(protocol))
        {
            if (number >= from && (number - from) % step == 0)
            {
                Console.WriteLine($"{number}\tbegins");
                string verdict = compiler.Compile(mutant, original.GetType()) is { } changed
                    ? Judges.FindingOf(changed, original) ?? "nobody\t"
                    : "compiler\t";
                Console.WriteLine($"{number}\t{verdict}");
            }

            number++;
        }
    }
}
