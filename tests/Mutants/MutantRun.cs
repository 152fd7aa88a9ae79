using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using VmSim.Core.Shootdown;

namespace VmSim.Mutants;

/// <summary>Judges mutants in processes of their own, since one may never end or take its process with it.</summary>
/// <param name="names">The protocols; all for none.</param>
/// <param name="most">How many mutants of each protocol, spread over its source.</param>
internal sealed class MutantRun(IReadOnlyList<string> names, int most)
{
    /// <summary>A mutant is judged in seconds; one that says nothing for so much processor time never ends.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>One that waits for itself takes no processor time; it never ends either.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(30);

    private static readonly string[] Finders = ["contract", "checker", "explore", "figures", "no end", "end of its process"];

    /// <summary>Runs, and prints the tables.</summary>
    /// <returns>0 if every survivor is known to be equal.</returns>
    public async Task<int> RunAsync()
    {
        Dictionary<string, string> equal = EqualOnes();
        bool clean = true;
        Console.WriteLine($"| protocol | mutants | {string.Join(" | ", Finders)} | equal | survivors |");
        Console.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---|", Finders.Length + 3))}");
        List<string> survivors = [];
        foreach (IShootdownProtocol protocol in ShootdownProtocols.All.Where(each => names.Count == 0 || names.Contains(each.Name)))
        {
            Mutant[] mutants = [.. Program.MutantsOf(protocol.Name)];
            int step = Math.Max(1, (mutants.Length + most - 1) / most);
            SortedDictionary<int, string> verdicts = await JudgeAsync(protocol.Name, mutants.Length, step);
            string[] alive = [.. verdicts.Where(pair => pair.Value.StartsWith("nobody", StringComparison.Ordinal))
                .Select(pair => mutants[pair.Key]).Select(mutant => mutant.Key)];
            string[] unknown = [.. alive.Where(key => !equal.ContainsKey(key))];
            int[] counts = [.. Finders.Select(finder => verdicts.Values.Count(verdict => verdict.Split('\t')[0] == finder))];
            int all = verdicts.Values.Count(verdict => !verdict.StartsWith("compiler", StringComparison.Ordinal));
            string found = string.Join(" | ", counts);
            Console.WriteLine($"| `{protocol.Name}` | {all} | {found} | {alive.Length - unknown.Length} | {unknown.Length} |");
            survivors.AddRange(unknown);
            clean &= unknown.Length == 0;
        }

        foreach (string survivor in survivors)
        {
            Console.WriteLine(survivor);
        }

        return clean ? 0 : 1;
    }

    private static async Task<SortedDictionary<int, string>> JudgeAsync(string protocol, int count, int step)
    {
        ConcurrentDictionary<int, string> verdicts = [];
        int workers = Environment.ProcessorCount;
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker =>
            JudgeAsync(protocol, worker * step, workers * step, count, verdicts)));
        return new SortedDictionary<int, string>(verdicts);
    }

    private static async Task JudgeAsync(string protocol, int from, int step, int count, ConcurrentDictionary<int, string> verdicts)
    {
        while (from < count)
        {
            ProcessStartInfo start = new(Environment.ProcessPath!)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            foreach (string argument in (string[])["judge", protocol, Text(from), Text(step)])
            {
                start.ArgumentList.Add(argument);
            }

            using Process process = Process.Start(start)!;
            StringBuilder errors = new();
            process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
            process.BeginErrorReadLine();
            int current = -1;
            string end = "end of its process\t";
            while (true)
            {
                (bool isSaid, string? line) = await ReadLineAsync(process);
                if (!isSaid)
                {
                    end = "no end\t";
                    process.Kill();
                    break;
                }

                if (line is null)
                {
                    break;
                }

                string[] words = line.Split('\t', 2);
                current = words[1] == "begins" ? int.Parse(words[0], CultureInfo.InvariantCulture) : -1;
                if (current < 0)
                {
                    verdicts[int.Parse(words[0], CultureInfo.InvariantCulture)] = words[1];
                    from = int.Parse(words[0], CultureInfo.InvariantCulture) + step;
                }
            }

            await process.WaitForExitAsync();
            if (current < 0)
            {
                // Between two mutants it ends when it is done; else it is the harness that went wrong.
                if (process.ExitCode != 0)
                {
                    throw new InvalidOperationException($"a judge of {protocol} failed: {errors}");
                }

                return;
            }

            verdicts[current] = end;
            from = current + step;
        }
    }

    /// <summary>Reads what a process says next, unless it says nothing for too much of its processor time.</summary>
    private static async Task<(bool IsSaid, string? Line)> ReadLineAsync(Process process)
    {
        TimeSpan before = process.TotalProcessorTime;
        Stopwatch waited = Stopwatch.StartNew();
        Task<string?> line = process.StandardOutput.ReadLineAsync();
        while (await Task.WhenAny(line, Task.Delay(TimeSpan.FromSeconds(1))) != line)
        {
            process.Refresh();
            if (!process.HasExited && (process.TotalProcessorTime - before > Patience || waited.Elapsed > LongestWait))
            {
                return (false, null);
            }
        }

        return (true, await line);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Mutants that do the same as their original: the mutant's line, and behind it, indented, the reason's.</summary>
    private static Dictionary<string, string> EqualOnes()
    {
        Dictionary<string, string> equal = [];
        string? mutant = null;
        foreach (string line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Equal.txt"))
            .Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] != ' ')
            {
                mutant = line;
            }
            else
            {
                equal[mutant!] = line.Trim();
            }
        }

        return equal;
    }
}
