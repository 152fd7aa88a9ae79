using System.Diagnostics;
using System.Globalization;
using Microsoft.VisualStudio.TestPlatform.ObjectModel;
using Microsoft.VisualStudio.TestPlatform.ObjectModel.Client;

namespace VmSim.TestLogger;

/// <summary>Writes every ten seconds how far the tests of a project are, and at the end which classes took the time.</summary>
[FriendlyName("progress")]
[ExtensionUri("logger://vmsim/progress")]
public sealed class ProgressLogger : ITestLogger
{
    private const int SlowestShown = 4;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, TimeSpan> _classes = new(StringComparer.Ordinal);
    private string _project = "tests";
    private string _last = "none yet";
    private int _passed;
    private int _failed;
    private Timer? _timer;

    /// <inheritdoc/>
    public void Initialize(TestLoggerEvents events, string testRunDirectory)
    {
        ArgumentNullException.ThrowIfNull(events);
        events.TestRunStart += (_, start) => Begin(start.TestRunCriteria.Sources?.FirstOrDefault());
        events.TestResult += (_, result) => Count(result.Result);
        events.TestRunComplete += (_, _) => End();
    }

    private void Begin(string? source)
    {
        _project = NameOf(source);
        _timer = new Timer(_ => Write($"last: {_last}"), null, Period, Period);
    }

    private void Count(TestResult result)
    {
        lock (_lock)
        {
            string name = result.TestCase.FullyQualifiedName.Split('(')[0];
            string type = name[..Math.Max(0, name.LastIndexOf('.'))];
            _classes[type] = _classes.GetValueOrDefault(type) + result.Duration;
            _passed += result.Outcome == TestOutcome.Passed ? 1 : 0;
            _failed += result.Outcome == TestOutcome.Failed ? 1 : 0;
            _last = type[(type.IndexOf(".Tests.", StringComparison.Ordinal) is var at and >= 0 ? at + ".Tests.".Length : 0)..];
        }
    }

    private void End()
    {
        _timer?.Dispose();
        string slowest = string.Join(", ", _classes.OrderByDescending(item => item.Value).Take(SlowestShown)
            .Select(item => string.Create(CultureInfo.InvariantCulture, $"{item.Key.Split('.')[^1]} {item.Value.TotalSeconds:0} s")));
        Write($"slowest: {slowest}");
    }

    private void Write(string about)
    {
        lock (_lock)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture, $"{_project} {_clock.Elapsed:m\\:ss}: {_passed} passed, {_failed} failed; {about}"));
        }
    }

    /// <summary>The project's name: Core.Tests for VmSim.Core.Tests.dll.</summary>
    private static string NameOf(string? source)
    {
        string name = Path.GetFileNameWithoutExtension(source ?? "tests");
        return name.StartsWith("VmSim.", StringComparison.Ordinal) ? name["VmSim.".Length..] : name;
    }
}
