using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import.Strace;

/// <summary>One program printed with other options of strace is the same program.</summary>
public class StraceGrammarTests
{
    private static readonly Gen<StraceStyle> Styles =
        from process in Gen.Int[0, 1]
        from names in Gen.Bool
        from time in Gen.Int[0, 4]
        from bits in Gen.Bool.Array[7]
        from values in Gen.Int[0, 2]
        from splits in Gen.Int[0, 4]
        select new StraceStyle(process, names, time, bits[0], bits[1], bits[2], bits[3], bits[4], values, splits, bits[5], bits[6]);

    [Fact]
    public void Import_AnyStyle_GivesTheSameTrace() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 60], Styles).Sample((seed, calls, style) =>
        {
            StraceGrammar program = new StraceGrammar(seed, calls);
            StraceLogs plain = StraceLogs.Of(program.Print(StraceStyle.Plain));
            StraceLogs styled = StraceLogs.Of(program.Print(style));
            Assert.Equal(plain.All(), styled.All());
            Assert.Equal(plain.Summary.Failed, styled.Summary.Failed);
            Assert.Equal(0, styled.Summary.Dropped);
            return true;
        }, iter: 300);

    [Fact]
    public void Import_LogOfEachThread_GivesTheTraceOfOneLog() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 60]).Sample((seed, calls) =>
        {
            StraceGrammar program = new StraceGrammar(seed, calls);
            Dictionary<string, string> logs = program.PrintEach();
            StraceLogs merged = StraceLogs.Of(logs["log.1000"], file: "log.1000", others: logs);
            Assert.Equal(StraceLogs.Of(program.Print(StraceStyle.Plain)).All(), merged.All());
            return true;
        }, iter: 200);

    [Fact]
    public void Import_LineWithAnotherInIt_IsLeftOutWholly() =>
        Gen.Select(Gen.Int[0, 1_000_000], Styles, Gen.Int[0, 29], Gen.Int[0, 200], Gen.Bool).Sample((seed, style, at, place, loses) =>
        {
            style = style with { HasStack = false, HasColours = false };
            (string mixed, string rest, int lines) = new StraceGrammar(seed, 30).PrintMixed(style, at, place, loses);
            Assert.Throws<TraceFormatException>(() => StraceLogs.Of(mixed));
            StraceLogs kept = StraceLogs.Of(mixed, drop: true);
            StraceLogs expected = StraceLogs.Of(rest);
            Assert.Equal(expected.All(), kept.All());
            Assert.Equal(lines, kept.Summary.Dropped);
            Assert.Equal(kept.Summary.Lines, Counted(kept.Summary) + kept.Summary.Dropped);
            return true;
        }, iter: 200);

    [Fact]
    public void Import_AnyLog_CountsEveryLine() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 60], Styles).Sample((seed, calls, style) =>
        {
            style = style with { HasStack = false, Splits = 0 };
            ImportSummary summary = StraceLogs.Of(new StraceGrammar(seed, calls).Print(style)).Summary;
            Assert.Equal((calls, calls), (summary.Lines, Counted(summary)));
            return true;
        }, iter: 200);

    [Fact]
    public void Import_MutatedLog_EndsWellOrWithAnError() =>
        Gen.Select(Gen.Int[0, 1_000_000], Styles, Gen.Bool, Gen.Select(Gen.Int[0, 6000], Gen.Char["\n ,()<>[]\"\\=|{}/-0x9?"]).Array[0, 12])
            .Sample((seed, style, drop, changes) =>
            {
                char[] log = new StraceGrammar(seed, 30).Print(style).ToCharArray();
                foreach ((int at, char character) in changes)
                {
                    log[at % log.Length] = character;
                }

                try
                {
                    StraceLogs.Of(new string(log), drop).Load();
                }
                catch (TraceFormatException error)
                {
                    Assert.NotEmpty(error.Message);
                }

                return true;
            }, iter: 300);

    [Fact]
    public void Import_CutLog_SaysSoOrKeepsWhatIsBefore() =>
        Gen.Select(Gen.Int[0, 1_000_000], Styles, Gen.Int[1, 10_000]).Sample((seed, style, length) =>
        {
            string log = new StraceGrammar(seed, 20).Print(style);
            string cut = log[..(1 + (length % (log.Length - 1)))];
            StraceLogs whole = StraceLogs.Of(log);
            StraceLogs kept = StraceLogs.Of(cut, drop: true);
            string[] lines = kept.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(kept.Summary.Dropped <= 1);
            Assert.True(lines.Length <= whole.Text.Split('\n').Length);
            return true;
        }, iter: 200);

    [Fact]
    public void Import_LogCutBehindResumed_LeavesTheLineOut()
    {
        StraceLogs logs = StraceLogs.Of("10 brk(NULL) = 0x5000\n10 read(3,  <unfinished ...>\n10 <... read resumed>", drop: true);
        Assert.Equal(1, logs.Summary.Dropped);
    }

    private static long Counted(ImportSummary summary) =>
        summary.Calls.Values.Sum() + summary.Failed.Values.Sum() + summary.WithoutResult.Values.Sum() + summary.OtherCalls;
}
