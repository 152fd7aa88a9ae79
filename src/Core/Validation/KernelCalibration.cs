using System.Globalization;
using VmSim.Core.Machine;
using VmSim.Core.Scenarios;

namespace VmSim.Core.Validation;

/// <summary>
/// Derives the kernel's costs from measured times by the rules of <see cref="KernelRules"/>, on a machine that has been calibrated before.
/// </summary>
public sealed class KernelCalibration
{
    /// <summary>How often all rules are gone through: those early in the order see what later ones have found.</summary>
    private const int Passes = 2;

    private const string HandoverKey = "kernel.map-lock-handover-cycles";
    private const string CeilingKey = "kernel.flush-ceiling-pages";
    private const double LeastDrop = 0.15;
    private const long MostHandover = 200_000;
    private const int Halvings = 14;

    private readonly CalibrationResults _results;
    private readonly ScenarioSpec _before;
    private readonly Dictionary<string, CalibratedSetting> _settings = new(StringComparer.Ordinal);
    private readonly Action<string> _progress;
    private readonly CancellationToken _cancellation;
    private ScenarioSpec _machine;

    private KernelCalibration(
        ScenarioSpec machine, CalibrationResults results, Action<string> progress, CancellationToken cancellation)
    {
        _before = _machine = machine;
        _results = results;
        _progress = progress;
        _cancellation = cancellation;
    }

    /// <summary>Derives all costs.</summary>
    /// <param name="machine">The machine, with the costs of the base profile.</param>
    /// <param name="results">What was measured.</param>
    /// <param name="progress">Told which setting is derived.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>The machine with derived costs, and what became of each setting.</returns>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public static (ScenarioSpec Machine, IReadOnlyList<CalibratedSetting> Settings) Derive(
        ScenarioSpec machine, CalibrationResults results, Action<string> progress, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(progress);
        KernelCalibration calibration = new(machine, results, progress, cancellation);
        calibration.Run();
        return (calibration._machine, [.. calibration._settings.Values]);
    }

    private double Ghz => _machine.Machine.Ghz;

    private void Run()
    {
        FindCeiling();
        ScaleCalls();
        for (int pass = 0; pass < Passes; pass++)
        {
            TakeHandler();
            foreach (KernelRule rule in KernelRules.All)
            {
                _cancellation.ThrowIfCancellationRequested();
                _progress(rule.Key);
                Apply(rule);
            }

            TakeDelivery();
        }

        FindHandover();
    }

    /// <summary>The shares of a call that touches no mapping: entry, work and return, and with them a trap's entry.</summary>
    private void ScaleCalls()
    {
        MeasuredCase call = new("call", "none", 64);
        KernelProfile kernel = _machine.Kernel;
        (string Key, long Cycles, Func<KernelProfile, long, KernelProfile> Set)[] shares =
        [
            ("system-call-entry-cycles", kernel.SystemCallEntryCycles, (k, c) => k with { SystemCallEntryCycles = c }),
            ("other-call-cycles", kernel.OtherCallCycles, (k, c) => k with { OtherCallCycles = c }),
            ("trap-return-cycles", kernel.TrapReturnCycles, (k, c) => k with { TrapReturnCycles = c }),
            ("trap-entry-cycles", kernel.TrapEntryCycles, (k, c) => k with { TrapEntryCycles = c }),
        ];
        if (_results.Of(call, "call") is not { } measured)
        {
            Array.ForEach(shares, share => Keep("kernel." + share.Key, share.Cycles, "call none 64 call was not measured"));
            return;
        }

        double whole = kernel.SystemCallEntryCycles + kernel.OtherCallCycles + kernel.TrapReturnCycles;
        double factor = measured.Best * Ghz / (call.Size * whole);
        foreach ((string key, long before, Func<KernelProfile, long, KernelProfile> set) in shares)
        {
            long cycles = Math.Max(1, (long)Math.Round(before * factor));
            kernel = set(kernel, cycles);
            double spread = measured.Width * Ghz / (call.Size * whole) * before;
            Note("kernel." + key, before, cycles, spread, "its share of call none 64 call, by the base profile's shares");
        }

        _machine = _machine with { Kernel = kernel };
    }

    /// <summary>What an interrupt takes from the core that gets it, less what it invalidates there.</summary>
    private void TakeHandler()
    {
        KernelProfile kernel = _machine.Kernel;
        long before = _before.Kernel.HandlerCycles;
        if (_results.Value("interrupt-loss") is not { } loss)
        {
            Keep("kernel.handler-cycles", before, NoSecond);
            return;
        }

        double invalidates = kernel.InvalidateRangeCycles + kernel.InvalidatePageCycles;
        long cycles = Math.Max(0, (long)Math.Round((loss.Best * Ghz) - invalidates));
        _machine = _machine with { Kernel = kernel with { HandlerCycles = cycles } };
        Note("kernel.handler-cycles", before, cycles, loss.Width * Ghz, "what a spinning thread loses to an interrupt (dontneed spin 1)");
    }

    /// <summary>What sending cannot be charged with: the way of an interrupt is shorter than the base profile has it.</summary>
    private void TakeDelivery()
    {
        KernelRule send = KernelRules.All.First(rule => rule.Key == "kernel.ipi-send-cycles");
        const string Key = "machine.ipi-cycles";
        if (!IsMeasured(send))
        {
            Keep(Key, _before.Machine.IpiCycles, NoSecond);
            return;
        }

        int before = _machine.Machine.IpiCycles;
        int cycles = (int)Math.Clamp(before + Lack(send), 1, 1e9);
        if (_machine.Kernel.IpiSendCycles > 0 || cycles == before)
        {
            Keep(Key, _before.Machine.IpiCycles, "sending and the way of an interrupt are measured together; all is in ipi-send-cycles");
            return;
        }

        _machine = _machine with { Machine = _machine.Machine with { IpiCycles = cycles } };
        Note(Key, _before.Machine.IpiCycles, cycles, SpreadOf(send), send.Describe() + "; nothing is left for sending");
    }

    private void Apply(KernelRule rule)
    {
        long before = rule.Of(_before.Kernel);
        if (!IsMeasured(rule))
        {
            RuleTerm missing = rule.Terms.First(term => _results.Of(term.Case, term.Figure) is null);
            Keep(rule.Key, before, $"{missing.Case.Program} {missing.Case.Beside} {missing.Case.Size} was not measured");
            return;
        }

        long cycles = rule.Of(_machine.Kernel) + (long)Math.Round(Lack(rule) / rule.Times);
        string floor = cycles < rule.Least ? "; the times leave nothing for it" : "";
        cycles = Math.Max(rule.Least, cycles);
        _machine = _machine with { Kernel = rule.With(_machine.Kernel, cycles) };
        Note(rule.Key, before, cycles, SpreadOf(rule), rule.Describe() + floor);
    }

    private bool IsMeasured(KernelRule rule) => rule.Terms.All(term => _results.Of(term.Case, term.Figure) is not null);

    /// <summary>Cycles that the measured figures of a rule have more than the simulated ones.</summary>
    private double Lack(KernelRule rule)
    {
        double lack = 0;
        foreach (IGrouping<MeasuredCase, RuleTerm> terms in rule.Terms.GroupBy(term => term.Case))
        {
            IReadOnlyDictionary<string, double> simulated = Simulate(terms.Key);
            lack += terms.Sum(term => term.Weight * (_results.Of(term.Case, term.Figure)!.Value.Best - simulated[term.Figure]));
        }

        return lack * Ghz;
    }

    private double SpreadOf(KernelRule rule) =>
        rule.Terms.Sum(term => Math.Abs(term.Weight) * _results.Of(term.Case, term.Figure)!.Value.Width) * Ghz / rule.Times;

    private IReadOnlyDictionary<string, double> Simulate(MeasuredCase program) =>
        MeasuredPrograms.All.Find(program.Program)!.Run(_machine, program);

    /// <summary>
    /// The size from which on a call takes less time than the one before: the kernel flushes all instead of page by page.
    /// </summary>
    private void FindCeiling()
    {
        IReadOnlyList<(long X, MeasuredSpread Spread)> points = _results.Curve("ceiling");
        long before = _before.Kernel.FlushCeilingPages;
        double deepest = 0;
        int at = -1;
        for (int i = 1; i < points.Count; i++)
        {
            double drop = 1 - (points[i].Spread.Best / points[i - 1].Spread.Best);
            if (drop > deepest)
            {
                deepest = drop;
                at = i;
            }
        }

        if (deepest < LeastDrop)
        {
            string from = points.Count == 0 ? "mprotect of 2 to 80 pages was not measured" : "mprotect of 2 to 80 pages has no step down";
            Keep(CeilingKey, before, from);
            return;
        }

        int ceiling = (int)points[at - 1].X;
        _machine = _machine with { Kernel = _machine.Kernel with { FlushCeilingPages = ceiling } };
        string text = $"mprotect of {ceiling} pages takes {Number(points[at - 1].Spread.Best)} ns, "
            + $"of {ceiling + 1} {Number(points[at].Spread.Best)} ns";
        _settings[CeilingKey] = new CalibratedSetting
        {
            Key = CeilingKey,
            Value = $"{ceiling} pages",
            Before = $"{before} pages",
            Reason = text,
        };
    }

    /// <summary>
    /// The rate of two threads that map and unmap falls with the time that a lock takes to be handed over; halving finds the time by which
    /// it falls as measured, as a share of one thread's rate.
    /// </summary>
    private void FindHandover()
    {
        MeasuredCase one = new("mmap1", "threads", 1);
        MeasuredCase two = new("mmap1", "threads", 2);
        if (_results.Of(one, MeasuredProgram.Rate) is not { } single || _results.Of(two, MeasuredProgram.Rate) is not { } both)
        {
            Keep(HandoverKey, _before.Kernel.MapLockHandoverCycles, NoSecond);
            return;
        }

        _progress(HandoverKey);
        double share = both.Best / single.Best;
        double alone = Simulate(one)[MeasuredProgram.Rate];
        long low = 0;
        long high = MostHandover;
        for (int i = 0; i < Halvings && low < high; i++)
        {
            _cancellation.ThrowIfCancellationRequested();
            long middle = (low + high) / 2;
            _machine = _machine with { Kernel = _machine.Kernel with { MapLockHandoverCycles = middle } };
            bool isFaster = Simulate(two)[MeasuredProgram.Rate] / alone > share;
            (low, high) = isFaster ? (middle + 1, high) : (low, middle);
        }

        _machine = _machine with { Kernel = _machine.Kernel with { MapLockHandoverCycles = high } };
        string text = string.Create(
            CultureInfo.InvariantCulture, $"mmap1 threads 2 makes {share:0.00} times the rounds of mmap1 threads 1");
        Note(HandoverKey, _before.Kernel.MapLockHandoverCycles, high, 0, text);
    }

    private const string NoSecond = "a second processor is needed, and was not there";

    private void Keep(string key, long before, string reason) =>
        _settings[key] = new CalibratedSetting { Key = key, Before = $"{before} cycles", Reason = reason };

    private void Note(string key, long before, long cycles, double spread, string reason) => _settings[key] = new CalibratedSetting
    {
        Key = key,
        Value = $"{cycles} cycles",
        Before = $"{before} cycles",
        Spread = spread,
        Reason = reason,
    };

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
