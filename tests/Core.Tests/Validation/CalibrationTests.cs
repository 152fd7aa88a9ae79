using System.Globalization;
using VmSim.Core.Experiments;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Scenarios;
using VmSim.Core.Validation;

namespace VmSim.Core.Tests.Validation;

/// <summary>Calibrations of machines that are simulated themselves, so that what must come out is known.</summary>
public sealed class CalibrationTests
{
    private static readonly ScenarioSpec Base = new()
    {
        Machine = new MachineSpec { Cores = 2, Ghz = 2 },
        Shootdown = new ShootdownSpec { Protocol = "linux" },
    };

    [Fact]
    public void Derive_TimesOfAnotherKernel_FindsItsCosts()
    {
        ScenarioSpec machine = Base with
        {
            Kernel = Base.Kernel with { MapCycles = 3_300, UnmapCycles = 900, ProtectCycles = 2_500, ProtectPageCycles = 77 },
        };
        string results = Measured(
            machine, new MeasuredCase("map0", "none", 16), new MeasuredCase("mprot", "none", 64), new MeasuredCase("mprot", "none", 256));

        (ScenarioSpec found, IReadOnlyList<CalibratedSetting> settings) = Derive(results);

        Assert.InRange(found.Kernel.MapCycles, 3_295, 3_305);
        Assert.InRange(found.Kernel.UnmapCycles, 895, 905);
        Assert.InRange(found.Kernel.ProtectCycles, 2_490, 2_510);
        Assert.InRange(found.Kernel.ProtectPageCycles, 76, 78);
        Assert.Equal("map0 none 16 mmap", settings.Single(setting => setting.Key == "kernel.map-cycles").Reason);
    }

    /// <summary>Every rule has its cost in its figures as often as it says.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public void Derive_EveryCost_IsFoundAgain()
    {
        ScenarioSpec machine = Base with { Memory = Base.Memory with { TransparentHugePages = "madvise" } };
        ScenarioSpec real = machine with
        {
            Kernel = KernelRules.All.Aggregate(machine.Kernel, (kernel, rule) => rule.With(kernel, Other(rule, kernel))),
        };
        string results = Measured(real, [.. KernelRules.All.SelectMany(rule => rule.Terms).Select(term => term.Case).Distinct()]);

        (ScenarioSpec found, _) = Derive(results, machine);

        Assert.All(KernelRules.All.Where(rule => rule.Key != "kernel.ipi-send-cycles"), rule =>
        {
            long wanted = rule.Of(real.Kernel);
            Assert.True(
                Math.Abs(rule.Of(found.Kernel) - wanted) <= Math.Max(30, wanted / 20), $"{rule.Key}: {rule.Of(found.Kernel)} for {wanted}");
        });
    }

    [Fact]
    public void Derive_WhatWasNotMeasured_StaysAndSaysWhy()
    {
        (ScenarioSpec found, IReadOnlyList<CalibratedSetting> settings) = Derive(Measured(Base, [new MeasuredCase("map0", "none", 16)]));

        CalibratedSetting kept = settings.Single(setting => setting.Key == "kernel.fork-cycles");
        Assert.Equal(Base.Kernel.ForkCycles, found.Kernel.ForkCycles);
        Assert.Equal((null, "cow none 8 was not measured"), (kept.Value, kept.Reason));
        Assert.Equal(Base.Kernel.ForkCycles + " cycles", kept.Before);
    }

    [Fact]
    public void Derive_AnotherSocket_GivesTheWaysThere()
    {
        const string Lines = "value ghz 2.5 2.5\nvalue line-transfer 40 44\nvalue line-transfer-remote 120 130\n";
        (ScenarioSpec found, IReadOnlyList<CalibratedSetting> settings) =
            MachineCalibration.Derive(Base, Read(Lines + "value flush-near 2000 2100\nvalue flush-far 2600 2650\n"));
        Assert.Equal(100, found.Machine.LineTransferCycles);
        Assert.Equal(300, found.Machine.LineTransferRemoteCycles);
        Assert.Equal(found.Machine.IpiCycles + 1_500, found.Machine.IpiRemoteCycles);
        Assert.Equal(25, settings.Single(setting => setting.Key == "machine.line-transfer-remote-cycles").Spread, precision: 6);

        (ScenarioSpec alone, settings) = MachineCalibration.Derive(Base, Read(Lines));
        Assert.Equal(Base.Machine.LineTransferRemoteCycles, alone.Machine.LineTransferRemoteCycles);
        CalibratedSetting kept = settings.Single(setting => setting.Key == "machine.ipi-remote-cycles");
        Assert.Null(kept.Value);
        Assert.Contains("another socket", kept.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Derive_Ceiling_IsWhereTimesFall()
    {
        string points = Curve("ceiling", [.. Few().Append(30)], pages => pages <= 21 ? 500 + (100 * pages) : 900);

        (ScenarioSpec found, _) = Derive(points);

        Assert.Equal(21, found.Kernel.FlushCeilingPages);
    }

    [Fact]
    public void Derive_PointerChases_FindsBothLevels()
    {
        string points = Curve("tlb-4k", [.. Steps()], pages => pages <= 72 ? 0 : pages <= 1_536 ? 3.5 : 20)
            + Curve("ways-first-16", [.. Few()], pages => pages <= 9 ? 0 : 3.5)
            + Curve("ways-second-512", [.. Few()], pages => pages <= 12 ? 3.5 : 20)
            + Curve("walk-random", [16_384], _ => 30)
            + Curve("walk-neighbours", [8_192], _ => 12);

        (ScenarioSpec found, IReadOnlyList<CalibratedSetting> settings) =
            MachineCalibration.Derive(Base, Read(points + "value ghz 2.5 2.5\n"));

        Assert.Equal((72, 9), (found.Machine.Mmu.Data4K.Entries, found.Machine.Mmu.Data4K.Ways));
        Assert.Equal((1_536, 12), (found.Machine.Mmu.Second.Entries, found.Machine.Mmu.Second.Ways));
        Assert.Equal((2.5, 9), (found.Machine.Ghz, found.Machine.Mmu.SecondCycles));
        Assert.Equal(75 - 9 - 1, found.Machine.Mmu.LineMissCycles);
        Assert.Contains(settings, setting => setting is { Key: "machine.mmu.data-large", Value: null });
    }

    /// <summary>Pages at any distance of a power of two fit in greater number than any set has ways: the index is hashed.</summary>
    [Theory]
    [InlineData(1_536, "xor")]
    [InlineData(1_152, "modulo")]
    public void Derive_PagesThatDoNotMeetInASet_FoldTheIndex(int entries, string index)
    {
        string points = Curve("tlb-4k", [.. Steps()], pages => pages <= 64 ? 0 : pages <= entries ? 3.5 : 20)
            + string.Concat(new[] { 512, 1_024, 2_048, 4_096 }.Select(
                stride => Curve($"ways-second-{stride}", [.. Enumerable.Range(2, 62).Select(pages => (long)pages)], _ => 3.5)));

        (ScenarioSpec found, IReadOnlyList<CalibratedSetting> settings) =
            MachineCalibration.Derive(Base, Read(points + "value ghz 2.5 2.5\n"));

        TlbSpec second = found.Machine.Mmu.Second;
        Assert.Equal((12, index), (second.Ways, second.Index));
        Assert.Null(second.Fault);
        Assert.Contains(
            "hashed", settings.Single(setting => setting.Key == "machine.mmu.second.index").Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("points tlb 4 1 1")]
    [InlineData("point tlb-4k 4 1")]
    [InlineData("value ghz two 2")]
    [InlineData("figure mmu,none,1,flight,ns 1 2")]
    public void Read_LineOfAnotherKind_IsRefused(string line)
    {
        TableFormatException error = Assert.Throws<TableFormatException>(() => Read("value ghz 2 2\n" + line));

        Assert.Contains("the measuring program's results", error.Message, StringComparison.Ordinal);
    }

    private static long Other(KernelRule rule, KernelProfile kernel) => (rule.Of(kernel) * 5 / 4) + 40;

    private static IEnumerable<long> Steps() =>
        Enumerable.Range(1, 40).Select(i => 4L * i).Concat([192, 256, 512, 1_024, 1_408, 1_536, 1_664, 2_048, 4_096, 8_192]);

    private static IEnumerable<long> Few() => Enumerable.Range(2, 23).Select(pages => (long)pages);

    private static string Curve(string name, long[] places, Func<long, double> time) => string.Concat(places.Select(
        place => string.Create(CultureInfo.InvariantCulture, $"point {name} {place} {time(place)} {time(place)}\n")));

    private static string Measured(ScenarioSpec machine, params MeasuredCase[] cases)
    {
        List<string> lines = [];
        foreach (MeasuredCase each in cases)
        {
            MeasuredProgram program = MeasuredPrograms.All.Find(each.Program)!;
            IReadOnlyDictionary<string, double> figures = program.Run(machine, each);
            lines.AddRange(program.Figures.Select(figure => string.Create(
                CultureInfo.InvariantCulture,
                $"figure {each.Program},{each.Beside},{each.Size},{figure},{program.UnitOf(figure)!.Name} "
                    + $"{figures[figure]} {figures[figure]}")));
        }

        return string.Join('\n', lines);
    }

    private static (ScenarioSpec Machine, IReadOnlyList<CalibratedSetting> Settings) Derive(string results, ScenarioSpec? machine = null) =>
        KernelCalibration.Derive(machine ?? Base, Read(results), _ => { });

    private static CalibrationResults Read(string results)
    {
        using StringReader reader = new(results);
        return CalibrationResults.Read(reader);
    }
}
