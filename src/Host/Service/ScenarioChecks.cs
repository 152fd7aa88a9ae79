using System.Globalization;
using System.Text.RegularExpressions;
using VmSim.Actors.Configuration;
using VmSim.Host.Terminal;

namespace VmSim.Host.Service;

/// <summary>
/// Checks of scenarios, in a process of their own that is kept while there is something to check: one text at a time, of bounded length,
/// and few that wait.
/// </summary>
internal sealed partial class ScenarioChecks : IDisposable
{
    /// <summary>Characters of a message that are told.</summary>
    private const int SaysMax = 2_000;

    private readonly CheckLimits _limits;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Timer _idle;
    private CheckProcess? _process;
    private int _waiting;
    private bool _isOver;

    /// <summary>Makes checks possible; no process is started before the first one.</summary>
    public ScenarioChecks(ServiceOptions options)
    {
        _limits = options.Checks;
        _idle = new Timer(_ => EndIdle(), null, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>The process that checks now; null for none.</summary>
    internal CheckProcess? Process => Volatile.Read(ref _process);

    /// <summary>What is wrong with a text before anything is read of it; null if nothing is.</summary>
    public static string? LengthProblem(string scenario) => scenario.Length is 0 or > CheckLimits.TextMax
        ? $"{ScenarioChecker.Origin}: {scenario.Length:N0} characters found; 1 to {CheckLimits.TextMax:N0} are allowed here; "
            + $"vmsim submit takes {ScenarioLoader.TextMax:N0}"
        : null;

    /// <summary>Checks a scenario.</summary>
    /// <param name="scenario">Its text.</param>
    /// <param name="hasText">Whether the answer is to have the text with every setting written out.</param>
    /// <param name="cancellation">Ends the wait for its turn.</param>
    /// <returns>What was found; null if as many wait as may, so that it may be sent again.</returns>
    public async Task<CheckAnswer?> CheckAsync(string scenario, bool hasText, CancellationToken cancellation)
    {
        if (LengthProblem(scenario) is { } wrong)
        {
            return new CheckAnswer(wrong);
        }

        try
        {
            if (Interlocked.Increment(ref _waiting) > CheckLimits.WaitingMax)
            {
                return null;
            }

            await _turn.WaitAsync(cancellation);
            try
            {
                return await AskAsync(new CheckOrder(scenario, hasText));
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>What is said of an answer to who asked.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="caps">What any job may take at most.</param>
    public static CheckVerdict VerdictOf(CheckAnswer answer, JobBounds caps)
    {
        if (answer.Problem.Length > 0)
        {
            Match place = Place().Match(answer.Problem);
            string says = answer.Problem.Length > SaysMax ? $"{answer.Problem[..SaysMax]}..." : answer.Problem;
            return new CheckVerdict(
                false, PlainWriter.Plain(says), Number(place.Groups["line"]), Number(place.Groups["column"]), 0, 0);
        }

        string ends = answer.UntilSeconds > 0
            ? $", and ends at {Quantities.Seconds(answer.UntilSeconds)} of virtual time unless its programs end before" : "";
        string hint = caps.Hint(RunDraft.Needs(answer.InAll, answer.UntilSeconds));
        return new CheckVerdict(
            true,
            $"It can be run: it needs about {Quantities.Bytes(answer.InAll)} of memory{ends}."
                + (hint.Length > 0 ? $" It may fail for a limit: {hint}." : ""),
            0,
            0,
            answer.InAll,
            answer.UntilSeconds);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _idle.Dispose();
        Volatile.Write(ref _isOver, true);

        // A check that is under way is answered, since its process is not there any more; nobody waits for one that hangs.
        Volatile.Read(ref _process)?.Kill();
        _turn.Wait();
        _process?.Dispose();
        _turn.Dispose();
    }

    private async Task<CheckAnswer> AskAsync(CheckOrder order)
    {
        if (Volatile.Read(ref _isOver))
        {
            return new CheckAnswer($"{ScenarioChecker.Origin}: it cannot be checked: the service ends");
        }

        if (_process is not { IsThere: true })
        {
            _process?.Dispose();
            Volatile.Write(ref _process, CheckProcess.Start(_limits));
        }

        CheckAnswer answer = await _process!.CheckAsync(order);
        if (!Volatile.Read(ref _isOver))
        {
            _idle.Change(_limits.Idle, Timeout.InfiniteTimeSpan);
        }

        return answer;
    }

    private void EndIdle()
    {
        try
        {
            if (_turn.Wait(0))
            {
                _process?.Dispose();
                _process = null;
                _turn.Release();
            }
        }
        catch (ObjectDisposedException)
        {
            // The service has ended.
        }
    }

    private static int Number(Group digits) =>
        int.TryParse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    /// <summary>Where a message says that something is wrong: behind the text's name, and so in no word of the text.</summary>
    [GeneratedRegex(
        "^scenario[,:] line (?<line>[0-9]{1,9})(, column (?<column>[0-9]{1,9}))?:",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Place();
}
