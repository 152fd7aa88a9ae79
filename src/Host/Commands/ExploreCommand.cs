using System.CommandLine;
using VmSim.Actors.Exploring;
using VmSim.Core.Exploring;
using VmSim.Core.Shootdown;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim explore</c>: every order of the events of small worlds, up to a number of delays.</summary>
internal sealed class ExploreCommand
{
    private const string AllProtocols = "all";

    private readonly Argument<string> _what = new("what")
    {
        Description = "A shootdown protocol, or all, for every world up to a size; or the file of a small scenario.",
    };
    private readonly Option<int> _cores = NumberOption.Create(
        "--cores", "Cores of generated worlds, a thread on each.", 1, WorldSize.CoresMax, 2);
    private readonly Option<int> _operations = NumberOption.Create(
        "--operations", "Steps of each thread at most.", 1, WorldSize.OperationsMax, 2);
    private readonly Option<int> _pages = NumberOption.Create("--pages", "Pages that all threads share.", 1, WorldSize.PagesMax, 1);
    private readonly Option<int> _spaces = NumberOption.Create(
        "--spaces", "Address spaces; others than the first take turns with it on every core.", 1, ExploreScenario.SpacesMax, 1);
    private readonly Option<string?> _others = new("--others")
    {
        Description = "What threads of the other spaces do, in place of a pause and a load, as scripts: \"sleep 400000, dontneed 0\".",
        HelpName = "SCRIPT",
    };
    private readonly Option<int> _delays = NumberOption.Create("--delays", "Things that come later in one run at most.", 0, 8, 1);
    private readonly Option<long> _longest = NumberOption.Create(
        "--longest", "The longest delay, in cycles.", 1L, 1_000_000_000L, ExploreLimits.DefaultLongest);
    private readonly Option<string> _alphabet = new("--alphabet")
    {
        Description = "Steps of generated worlds, separated by blanks.",
        HelpName = "STEPS",
        DefaultValueFactory = _ => string.Join(' ', WorldSize.DefaultAlphabet.Select(NameOf)),
    };
    private readonly Option<string> _memory = new("--memory")
    {
        Description = "What generated worlds map: anonymous, file or device.",
        HelpName = "KIND",
        DefaultValueFactory = _ => "anonymous",
    };
    private readonly Option<int> _remembered = NumberOption.Create(
        "--remembered",
        "Orders of one world that each thread remembers at most, about 100 bytes each; beyond, runs are made again.",
        1_000,
        100_000_000,
        1_000_000);
    private readonly Option<int> _threads = NumberOption.Create(
        "--threads", "Host threads that explore; 0, the default, is one per processor.", 0, 1_024, 0, "0 for one per processor");
    private readonly Option<string?> _state = new("--state")
    {
        Description = "File that says how far it has come: written every few seconds and at the end, read at the beginning.",
        HelpName = "FILE",
    };
    private readonly Option<string?> _folder = new("--out")
    {
        Description = "Folder for a counterexample's scenario and picture.",
        HelpName = "DIR",
    };
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Change a setting: --set machine.cores=3. May be repeated.",
        HelpName = "key=value",
    };

    public static Command Create(TextWriter output, TextWriter error)
    {
        ExploreCommand arguments = new();
        arguments._memory.AcceptOnlyFromAmong("anonymous", "file", "device");
        Command command = new(
            "explore", "Runs small worlds in every order of their events, up to a number of delays; exit code 1 if a rule is broken.")
        {
            arguments._what,
            arguments._cores,
            arguments._operations,
            arguments._pages,
            arguments._spaces,
            arguments._others,
            arguments._delays,
            arguments._longest,
            arguments._alphabet,
            arguments._memory,
            arguments._remembered,
            arguments._threads,
            arguments._state,
            arguments._folder,
            arguments._set,
        };
        arguments._set.CompletionSources.Add(Suggestions.Settings);
        Suggestions.Offer(arguments._what, Suggestions.Protocols);
        command.SetAction(async (parsed, cancellation) => await arguments.RunAsync(parsed, output, error, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        ExploreLimits limits = new(parsed.GetValue(_delays))
        {
            Longest = parsed.GetValue(_longest),
            Remembered = parsed.GetValue(_remembered),
        };
        int asked = parsed.GetValue(_threads);
        ExploreSession session = new(
            limits,
            asked > 0 ? asked : Environment.ProcessorCount,
            parsed.GetValue(_state),
            parsed.GetValue(_folder),
            parsed.GetValue(_set) ?? [],
            output,
            error);
        string name = parsed.GetValue(_what)!;
        if (name != AllProtocols && ShootdownProtocols.All.Find(name) is null)
        {
            return await session.ExploreAsync(name, cancellation);
        }

        WorldSize size = new(parsed.GetValue(_cores), parsed.GetValue(_operations), parsed.GetValue(_pages))
        {
            Alphabet = AlphabetOf(parsed.GetValue(_alphabet)!),
        };
        int spaces = parsed.GetValue(_spaces);
        IReadOnlyList<IReadOnlyList<ScriptStep>> others = OthersOf(parsed.GetValue(_others), spaces, size.Pages);
        IReadOnlyList<string> protocols = name == AllProtocols ? ShootdownProtocols.All.Names : [name];
        return await session.ExploreAsync(
            [.. protocols.Select(protocol => new ExploreScenario(protocol, size, spaces, parsed.GetValue(_memory)!) { Others = others })],
            cancellation);
    }

    private static IReadOnlyList<IReadOnlyList<ScriptStep>> OthersOf(string? script, int spaces, int pages)
    {
        if (script is null)
        {
            return [];
        }

        if (spaces == 1)
        {
            throw new UsageException("--others: there is one space; --spaces of 2 or more is needed with it");
        }

        try
        {
            return ScriptStep.Parse(script, pages);
        }
        catch (ArgumentException reason)
        {
            throw new UsageException($"--others: {reason.Message.Split(" (Parameter")[0]}", reason);
        }
    }

    private static string NameOf(ScriptVerb verb) => verb.ToString().ToLowerInvariant();

    private static List<ScriptVerb> AlphabetOf(string text)
    {
        List<ScriptVerb> verbs = [];
        ScriptVerb[] allowed = [.. Enum.GetValues<ScriptVerb>().Where(verb => verb != ScriptVerb.Pause)];
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int at = Array.FindIndex(allowed, verb => NameOf(verb) == word);
            if (at < 0 || verbs.Contains(allowed[at]))
            {
                throw new UsageException(
                    $"--alphabet: \"{word}\" found; each of {string.Join(", ", allowed.Select(NameOf))} is allowed, once");
            }

            verbs.Add(allowed[at]);
        }

        return verbs.Count > 0 ? verbs : throw new UsageException("--alphabet: nothing found; at least one step is needed");
    }
}
