using System.Globalization;
using VmSim.Core.Exploring;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary>A run that is stepped through, a command a line.</summary>
/// <param name="steps">The run.</param>
/// <param name="output">Where messages and views go.</param>
/// <param name="cancellation">Ends it.</param>
internal sealed class StepSession(MessageSteps steps, TextWriter output, CancellationToken cancellation)
{
    private const int Lines = 40;

    private const string Help =
        """
        Enter, n [N]      the next message, or the next N
        until TIME        all messages up to a virtual time: 1.2ms, or cycles
        cores             what each core does
        space NAME        a process's areas and page table
        tlb CORE          what a core's TLBs hold
        walk NAME 0xADDR  the walk of an address, and who holds its page
        help, q           this; the end
        """;

    private StoryMessage? _next;
    private bool _hasEnded;

    /// <summary>Does what the commands say until they or the messages end.</summary>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public int Run(TextReader commands)
    {
        output.WriteLine("Enter takes the next message; help lists the commands");
        while (!_hasEnded && !cancellation.IsCancellationRequested && commands.ReadLine() is { } line)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            try
            {
                if (words is ["q"] or ["quit"])
                {
                    break;
                }

                Do(words);
            }
            catch (UsageException wrong)
            {
                output.WriteLine(wrong.Message);
            }
        }

        return steps.World.Checker is { Violated: true } || cancellation.IsCancellationRequested ? ExitCodes.Broken : ExitCodes.Ok;
    }

    /// <summary>Takes all messages before a time.</summary>
    public void Until(long time, bool shows)
    {
        while (Peek() is { } message && message.Due < time)
        {
            Take(message, shows);
        }
    }

    private void Do(string[] words)
    {
        WorldView view = new(steps.World, output, Lines);
        switch (words)
        {
            case [] or ["n"]:
                Next(1);
                break;
            case ["n", string count]:
                Next(NumberOf("n", count, 1));
                break;
            case ["until", string time]:
                Until(WorldArguments.ParseTime("until", time, steps.World.Scenario.Machine.Ghz), shows: true);
                break;
            case ["cores"]:
                view.Cores();
                break;
            case ["space", string name]:
                view.Space(WorldArguments.SpaceOf(steps.World, name));
                break;
            case ["tlb", string core]:
                view.Mmu(WorldArguments.CoreOf(steps.World, NumberOf("tlb", core, 0)));
                break;
            case ["walk", string name, string address]:
                view.Walk(WorldArguments.SpaceOf(steps.World, name), WorldArguments.AddressOf(address));
                break;
            case ["help"]:
                output.WriteLine(Help);
                break;
            default:
                throw new UsageException($"\"{string.Join(' ', words)}\" is no command; help lists them");
        }
    }

    private static int NumberOf(string command, string text, int least) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least
            ? number
            : throw new UsageException($"{command}: \"{text}\" found; a whole number from {least} on is allowed");

    private void Next(int count)
    {
        for (int i = 0; i < count && Peek() is { } message; i++)
        {
            Take(message, shows: true);
        }
    }

    private StoryMessage? Peek()
    {
        _next ??= steps.Next(cancellation);
        if (_next is null && !_hasEnded)
        {
            _hasEnded = true;
            foreach (string line in steps.World.Checker?.Violations.SelectMany(violation => violation.Lines()) ?? [])
            {
                output.WriteLine(line);
            }

            output.WriteLine("there are no messages any more");
        }

        return _next;
    }

    private void Take(StoryMessage message, bool shows)
    {
        _next = null;
        if (shows)
        {
            string from = PlainWriter.Line(steps.Lanes[message.From]);
            string to = message.From == message.To ? "" : $" -> {PlainWriter.Line(steps.Lanes[message.To])}";
            output.WriteLine($"{Quantities.Exact(message.Due.Value),14}  {from}{to}: {message.Text}");
        }
    }
}
