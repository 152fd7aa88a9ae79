using System.Text.Json;
using System.Threading.Channels;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// The child's side of checks: reads scenarios that it is sent, one after another, and says what is wrong with each or what it will need.
/// It opens no file but profiles of the config folder, runs nothing, and ends with its standard input, whatever it is at.
/// </summary>
/// <param name="input">Where scenarios come from, a line each.</param>
/// <param name="output">Where answers go, a line each.</param>
internal sealed class ScenarioChecker(TextReader input, TextWriter output)
{
    /// <summary>What a scenario is called in messages, as in a job's process.</summary>
    public const string Origin = "scenario";

    /// <summary>What this process has when it has checked its first one: any other begins with about as much.</summary>
    private long? _own;

    /// <summary>
    /// Answers until there is nothing more to check, or a check has gone so wrong that the next should have another process.
    /// </summary>
    /// <returns>An exit code of <see cref="ExitCodes"/>.</returns>
    public async Task<int> ServeAsync()
    {
        Channel<string> orders = Channel.CreateUnbounded<string>();
        new Thread(() => Read(orders.Writer)) { IsBackground = true }.Start();
        await foreach (string line in orders.Reader.ReadAllAsync())
        {
            CheckAnswer answer = Answer(JsonSerializer.Deserialize<CheckOrder>(line)!);
            await output.WriteLineAsync(JsonSerializer.Serialize(answer));
            await output.FlushAsync();
            if (answer.IsLast)
            {
                break;
            }
        }

        return ExitCodes.Ok;
    }

    /// <summary>Checks a scenario.</summary>
    internal CheckAnswer Answer(CheckOrder order)
    {
        try
        {
            ScenarioSpec spec = ScenarioLoader.Parse(order.Scenario, Origin, new NoFiles(), []);
            RunDraft draft = RunDraft.Of(spec);
            long own = _own ??= Environment.WorkingSet;
            long bytes = draft.Memory.Bytes;
            return new CheckAnswer(
                "",
                spec.Name,
                order.HasText ? draft.Text : "",
                bytes,
                draft.SharedBytes,
                bytes > long.MaxValue - own ? long.MaxValue : bytes + own,
                draft.UntilSeconds);
        }
        catch (ScenarioException reason)
        {
            return new CheckAnswer(reason.Message);
        }
        catch (Exception reason)
        {
            // No stack trace: what is said to who sent the text is a sentence.
            return new CheckAnswer($"{Origin}: it cannot be checked: {reason.Message.Split('\n')[0]}", IsLast: true);
        }
    }

    /// <summary>Reads orders; when there are no more the service is gone or wants no more, whatever this process is at.</summary>
    private void Read(ChannelWriter<string> orders)
    {
        while (input.ReadLine() is { } line)
        {
            orders.TryWrite(line);
        }

        Interruption.End(ExitCodes.Broken);
    }

    /// <summary>The files of a text that came without any.</summary>
    private sealed class NoFiles : IScenarioFiles
    {
        public FoundTrace FindTrace(string name) =>
            throw new ScenarioException($"{name}: a trace does not come with a text; vmsim submit sends the traces along");

        public PlugIn LoadPlugIn(string name, string key, IReadOnlyList<PlugIn> before) =>
            throw new ScenarioException($"{key}: {name}: a plug-in is code, and this service takes none; run it with vmsim run");
    }
}
