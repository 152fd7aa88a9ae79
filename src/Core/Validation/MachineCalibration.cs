using System.Globalization;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Scenarios;

namespace VmSim.Core.Validation;

/// <summary>Derives the machine's figures, its TLBs above all, from pointer chases.</summary>
public sealed class MachineCalibration
{
    private const string First = "machine.mmu.data4k";
    private const string Large = "machine.mmu.data-large";
    private const string Second = "machine.mmu.second";
    private const string Chase = "a pointer chase over 4 KiB pages";

    /// <summary>So many pages at power-of-two distances fit no set of 16 ways and its first level: the index is hashed.</summary>
    private const long HashedFit = 32;

    private readonly CalibrationResults _results;
    private readonly List<CalibratedSetting> _settings = [];
    private readonly MachineSpec _before;
    private MachineSpec _machine;

    private MachineCalibration(MachineSpec machine, CalibrationResults results)
    {
        _before = _machine = machine;
        _results = results;
    }

    /// <summary>Derives all figures.</summary>
    /// <param name="machine">The machine, with the figures of the base profile.</param>
    /// <param name="results">What was measured.</param>
    /// <returns>The machine with derived figures, and what became of each setting.</returns>
    public static (ScenarioSpec Machine, IReadOnlyList<CalibratedSetting> Settings) Derive(ScenarioSpec machine, CalibrationResults results)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(results);
        MachineCalibration calibration = new(machine.Machine, results);
        calibration.Run();
        return (machine with { Machine = calibration._machine }, calibration._settings);
    }

    private MmuSpec Mmu
    {
        get => _machine.Mmu;
        set => _machine = _machine with { Mmu = value };
    }

    private void Run()
    {
        TakeClock();
        IReadOnlyList<(long X, MeasuredSpread Spread)> curve = _results.Curve("tlb-4k");
        double? hit = TlbCurves.Level(curve, 4, 24);
        double? second = TlbCurves.Level(curve, 192, 512);
        double? walk = TlbCurves.Level(curve, 4_096, long.MaxValue);
        if (hit is { } low && second is { } middle && walk is { } high)
        {
            TakeFirst(curve, low, middle);
            TakeSecond(curve, low, middle, high);
            TakeWalks();
            TakeLarge(low);
        }
        else
        {
            string why = _results.Missing.FirstOrDefault(line => line.StartsWith("tlb:", StringComparison.Ordinal))
                ?? "pointer chases were not measured";
            foreach (string key in (string[])[First, Second, "machine.mmu.second-cycles", "machine.mmu.line-miss-cycles", Large])
            {
                Keep(key, "", why);
            }
        }

        Keep("machine.mmu.instruction4k", Describe(_before.Mmu.Instruction4K), "pointer chases load data, and fetch no other pages");
        Keep("machine.mmu.instruction-large", Describe(_before.Mmu.InstructionLarge), "pointer chases load data, and fetch no other pages");
        Keep("machine.mmu.pde-entries", Text(_before.Mmu.PdeEntries), "no chase tells walks of few tables from those of many");
        TakeLine();
        TakeDistance();
    }

    private void TakeClock()
    {
        if (_results.Value("ghz") is not { } measured)
        {
            Keep("machine.ghz", Text(_before.Ghz), "the clock was not measured");
            return;
        }

        // What comes between the readings of the two clocks makes the ratio larger as often as smaller.
        double ghz = Math.Round(measured.Median, 3);
        _machine = _machine with { Ghz = ghz };
        Note(
            "machine.ghz",
            $"{Text(ghz)} GHz",
            $"{Text(_before.Ghz)} GHz",
            measured.Width,
            "the time-stamp counter against the system's clock");
    }

    private void TakeFirst(IReadOnlyList<(long X, MeasuredSpread Spread)> curve, double low, double middle)
    {
        double? knee = TlbCurves.Knee(curve, low, middle, 0.3, from: 8);
        int ways = TlbCurves.Ways(Curves("ways-first", 16, 32, 64), low, middle);
        if (knee is not { } pages || ways == 0)
        {
            Keep(First, Describe(_before.Mmu.Data4K), $"{Chase} has no step below 160 pages");
            return;
        }

        TlbSpec spec = _before.Mmu.Data4K with { Entries = TlbCurves.Entries(pages, ways), Ways = ways };
        Mmu = Mmu with { Data4K = spec };
        Note(First, spec, _before.Mmu.Data4K, $"{Chase} rises at {Text(Math.Round(pages))}, {ways} of one set fit");
    }

    private void TakeSecond(IReadOnlyList<(long X, MeasuredSpread Spread)> curve, double low, double middle, double high)
    {
        int cycles = Math.Max(0, (int)Math.Round((middle - low) * _machine.Ghz));
        Mmu = Mmu with { SecondCycles = cycles };
        Note("machine.mmu.second-cycles", $"{cycles} cycles", $"{_before.Mmu.SecondCycles} cycles", 0,
            $"{Chase}, 192 to 512 pages against 4 to 24");
        if (TlbCurves.Knee(curve, middle, high, 0.5, from: 512) is not { } pages)
        {
            Keep(Second, Describe(_before.Mmu.Second), $"{Chase} has no step above 512 pages");
            return;
        }

        IReadOnlyList<(long X, MeasuredSpread Spread)>[] strides = [.. Curves("ways-second", 512, 1_024, 2_048, 4_096)];
        bool isHashed = strides.Length > 0
            && Array.TrueForAll(strides, each => (TlbCurves.Knee(each, middle, high, 0.5, from: 8) ?? long.MaxValue) >= HashedFit);
        int fits = isHashed ? 0 : TlbCurves.Ways(strides, middle, high);
        int ways = fits > 0 && fits <= 2 * _before.Mmu.Second.Ways ? fits : _before.Mmu.Second.Ways;
        int entries = TlbCurves.Entries(pages, ways);
        bool isFolded = isHashed && int.IsPow2(entries / ways);
        TlbSpec spec = _before.Mmu.Second with
        {
            Entries = entries,
            Ways = ways,
            Index = isFolded ? TlbIndexes.Xor : TlbIndexes.Modulo,
        };
        Mmu = Mmu with { Second = spec };
        string index = isHashed
            ? $"pages 2 to 16 MiB apart do not meet in a set: the index is hashed, and ways stay as they were"
            : fits == ways ? $"{ways} of one set fit" : "ways stay as they were";
        Note(Second, spec, _before.Mmu.Second, $"{Chase} has risen by half at {Text(Math.Round(pages))}; {index}");
        string rule = isHashed && !isFolded ? $"{index}, but there are {Text(entries / ways)} sets, no power of two" : index;
        Note($"{Second}.index", spec.Index, _before.Mmu.Second.Index, 0, rule);
    }

    /// <summary>
    /// A walk of many pages in random order reads a line of table entries that no cache of the model has; one of neighbours reads each line
    /// eight times.
    /// </summary>
    private void TakeWalks()
    {
        const string Hit = "machine.mmu.line-hit-cycles";
        const string Miss = "machine.mmu.line-miss-cycles";
        if (TlbCurves.Level(_results.Curve("walk-random"), 0, long.MaxValue) is not { } random
            || TlbCurves.Level(_results.Curve("walk-neighbours"), 0, long.MaxValue) is not { } near)
        {
            Keep(Hit, $"{_before.Mmu.LineHitCycles} cycles", "walks were not measured");
            Keep(Miss, $"{_before.Mmu.LineMissCycles} cycles", "walks were not measured");
            return;
        }

        double rest = Mmu.SecondCycles + Mmu.PscCycles;
        int miss = Math.Max(0, (int)Math.Round((random * _machine.Ghz) - rest));
        int hit = Math.Max(0, (int)Math.Round((((near * _machine.Ghz) - rest) * 8 / 7) - (miss / 7.0)));
        Mmu = Mmu with { LineMissCycles = miss, LineHitCycles = hit, WalkCost = WalkCosts.CacheLines };
        Note(Miss, $"{miss} cycles", $"{_before.Mmu.LineMissCycles} cycles", 0, "a pointer chase over 16384 pages in random order");
        Note(Hit, $"{hit} cycles", $"{_before.Mmu.LineHitCycles} cycles", 0, "a pointer chase over 8192 neighbours");
        Note("machine.mmu.walk-cost", WalkCosts.CacheLines, _before.Mmu.WalkCost, 0, "the two figures above");
    }

    private void TakeLarge(double low)
    {
        IReadOnlyList<(long X, MeasuredSpread Spread)> curve = _results.Curve("tlb-2m");
        double? high = TlbCurves.Level(curve, 48, 64);
        if (high is null)
        {
            string? why = _results.Missing.FirstOrDefault(line => line.StartsWith("tlb-2m", StringComparison.Ordinal));
            Keep(Large, Describe(_before.Mmu.DataLarge), why ?? "huge pages were not measured");
            return;
        }

        double hit = TlbCurves.Level(curve, 4, 8) ?? low;
        double? knee = TlbCurves.Knee(curve, hit, high.Value, 0.3);
        int ways = TlbCurves.Ways(Curves("ways-large", 4, 8, 16), hit, high.Value);
        if (knee is not { } pages || ways == 0)
        {
            Keep(Large, Describe(_before.Mmu.DataLarge), "a pointer chase over 2 MiB pages has no step below 64 pages");
            return;
        }

        TlbSpec spec = _before.Mmu.DataLarge with { Entries = TlbCurves.Entries(pages, ways), Ways = ways };
        Mmu = Mmu with { DataLarge = spec };
        string text = $"a pointer chase over 2 MiB pages rises at {Text(Math.Round(pages))}, {ways} of one set fit";
        Note(Large, spec, _before.Mmu.DataLarge, text);
    }

    private void TakeLine()
    {
        const string Key = "machine.line-transfer-cycles";
        if (_results.Value("line-transfer") is not { } measured)
        {
            Keep(Key, $"{_before.LineTransferCycles} cycles", "a second processor is needed, and was not there");
            return;
        }

        int cycles = Math.Max(1, (int)Math.Round(measured.Best * _machine.Ghz));
        _machine = _machine with { LineTransferCycles = cycles };
        Note(Key, $"{cycles} cycles", $"{_before.LineTransferCycles} cycles", measured.Width * _machine.Ghz,
            "half a round trip of one cache line between two processors");
    }

    /// <summary>What another socket costs: a line's way there, and an interrupt's, which a flush takes longer for.</summary>
    private void TakeDistance()
    {
        const string Line = "machine.line-transfer-remote-cycles";
        const string Interrupt = "machine.ipi-remote-cycles";
        if (_results.Value("line-transfer-remote") is not { } line
            || _results.Value("flush-near") is not { } near || _results.Value("flush-far") is not { } far)
        {
            const string Why = "no processor of another socket was there";
            Keep(Line, $"{_before.LineTransferRemoteCycles} cycles", Why);
            Keep(Interrupt, $"{_before.IpiRemoteCycles} cycles", Why);
            return;
        }

        int moves = Math.Max(1, (int)Math.Round(line.Best * _machine.Ghz));
        double more = (far.Best - near.Best) * _machine.Ghz;
        int way = Math.Max(1, (int)Math.Round(_machine.IpiCycles + more));
        _machine = _machine with { LineTransferRemoteCycles = moves, IpiRemoteCycles = way };
        Note(Line, $"{moves} cycles", $"{_before.LineTransferRemoteCycles} cycles", line.Width * _machine.Ghz,
            "half a round trip of one cache line between two sockets");
        Note(Interrupt, $"{way} cycles", $"{_before.IpiRemoteCycles} cycles", (near.Width + far.Width) * _machine.Ghz,
            $"machine.ipi-cycles and {Text(Math.Round(more))} cycles by which a flush of one page beside another socket takes longer");
    }

    private IEnumerable<IReadOnlyList<(long X, MeasuredSpread Spread)>> Curves(string name, params int[] strides) => strides
        .Select(stride => _results.Curve(string.Create(CultureInfo.InvariantCulture, $"{name}-{stride}"))).Where(curve => curve.Count > 0);

    private void Keep(string key, string before, string reason) =>
        _settings.Add(new CalibratedSetting { Key = key, Before = before, Reason = reason });

    private void Note(string key, TlbSpec spec, TlbSpec before, string reason)
    {
        Note($"{key}.entries", Text(spec.Entries), Text(before.Entries), 0, reason);
        Note($"{key}.ways", Text(spec.Ways), Text(before.Ways), 0, reason);
    }

    private void Note(string key, string value, string before, double spread, string reason) => _settings.Add(new CalibratedSetting
    {
        Key = key,
        Value = value,
        Before = before,
        Spread = spread,
        Reason = reason,
    });

    private static string Describe(TlbSpec spec) => $"{Text(spec.Entries)} entries, {Text(spec.Ways)} ways";

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
