using System.Globalization;
using System.Text;
using CsCheck;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>One recording printed with other fields, other padding and other events between is the same recording.</summary>
public class PerfGrammarTests
{
    /// <summary>Names of threads, of at most 15 bytes, with what else stands in lines.</summary>
    private static readonly string[] Names = ["app", "a b", "worker/3:1", ":7", "[k]", "9/9 [001] 1.0:"];

    private static readonly Gen<Style> Styles =
        from bits in Gen.Bool.Array[5]
        from digits in Gen.Int[0, 1].Select(bit => bit == 0 ? 6 : 9)
        from name in Gen.Int[0, Names.Length - 1].Select(index => Names[index])
        select new Style(bits[0], bits[1], bits[2], bits[3], bits[4], digits, name);

    [Fact]
    public void Import_AnyStyle_GivesTheSameTrace() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 80], Styles).Sample((seed, events, style) =>
        {
            (ImportSummary plain, string expected) = Import(seed, events, Style.Plain);
            (ImportSummary styled, string text) = Import(seed, events, style);
            Assert.Equal(WithoutComments(expected), WithoutComments(text));
            Assert.Equal(plain.Calls, styled.Calls);
            Assert.Equal(plain.Failed, styled.Failed);
            Assert.Equal((0, 0), (plain.Dropped, styled.Dropped));
            return true;
        }, iter: 200);

    /// <summary>What a program did stands in its trace: each fault, and each call that succeeded.</summary>
    [Fact]
    public void Import_AnyRecording_LosesNothing() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 80]).Sample((seed, events) =>
        {
            (ImportSummary summary, string text) = Import(seed, events, Style.Plain);
            Recording recording = new(seed, events);
            Assert.Equal(recording.Faults, summary.Fetches + summary.DataReferences);
            Assert.InRange(summary.Threads, recording.UsedThreads, recording.Threads);
            foreach ((string call, int count) in recording.Succeeded)
            {
                Assert.Equal(count, summary.Calls.GetValueOrDefault(call));
            }

            Assert.Equal(recording.FailedCalls, summary.Failed.Values.Sum());
            TestTraces.LoadText(text);
            return true;
        }, iter: 200);

    /// <summary>A line that is cut, or has another's beginning in it, is refused or counted, and nothing else changes places.</summary>
    [Fact]
    public void Import_LinesCutAnywhere_EndsWellOrWithAnError() =>
        Gen.Select(Gen.Int[0, 1_000_000], Styles, Gen.Int[0, 10_000], Gen.Int[0, 60]).Sample((seed, style, at, length) =>
        {
            string log = new Recording(seed, 40).Print(style);
            int from = at % log.Length;
            return Logs.EndsWell("perf", Encoding.UTF8.GetBytes(log.Remove(from, Math.Min(length, log.Length - from))));
        }, iter: 200);

    /// <summary>A trace without its comments, such as how many events, of whatever kind, a thread had on a core.</summary>
    private static string WithoutComments(string trace) =>
        string.Join('\n', trace.Split('\n').Where(line => !line.StartsWith('#')));

    private static (ImportSummary Summary, string Text) Import(int seed, int events, Style style) =>
        Logs.ImportText("perf", new Recording(seed, events).Print(style));

    /// <summary>How a recording is printed.</summary>
    /// <param name="HasCore">Whether lines say on which core.</param>
    /// <param name="Pads">Whether the name is padded to 16 columns and the thread to 7.</param>
    /// <param name="HasPeriod">Whether lines have the period.</param>
    /// <param name="HasOthers">Whether other events stand between.</param>
    /// <param name="EndsInReturn">Whether lines end as those of Windows do.</param>
    /// <param name="Digits">Digits behind the point of a time: 9 with --ns.</param>
    /// <param name="Name">The threads' name.</param>
    private sealed record Style(bool HasCore, bool Pads, bool HasPeriod, bool HasOthers, bool EndsInReturn, int Digits, string Name)
    {
        public static Style Plain { get; } = new(true, true, false, false, false, 6, "app");
    }

    /// <summary>What two threads of a process did.</summary>
    private sealed class Recording
    {
        private const int Process = 70;
        private readonly List<(int Thread, string Event, string Text)> _events = [];
        private readonly Dictionary<string, int> _succeeded = new(StringComparer.Ordinal);
        private readonly HashSet<int> _threads = [];
        private readonly HashSet<int> _used = [];

        public Recording(int seed, int events)
        {
            Random random = new(seed);
            for (int i = 0; i < events; i++)
            {
                int thread = Process + random.Next(2);
                string start = $"0x{0x7f0000000000 + (i * 0x100000L):x}";
                bool fails = random.Next(6) == 0;
                string failed = "0xffffffffffffffea";
                switch (random.Next(4))
                {
                    case 0:
                        Call(
                            thread, "mmap",
                            "addr: 0x00000000, len: 0x00002000, prot: 0x00000003, flags: 0x00000022, fd: 0xffffffff, off: 0x00000000",
                            fails ? failed : start, fails);
                        break;
                    case 1:
                        Call(thread, "munmap", $"addr: {start}, len: 0x00001000", fails ? failed : "0x0", fails);
                        break;
                    case 2:
                        Call(thread, "madvise", $"start: {start}, len_in: 0x00001000, behavior: 0x00000004", fails ? failed : "0x0", fails);
                        break;
                    default:
                        Fault(thread, start, random.Next(3) switch { 0 => "0x4", 1 => "0x6", _ => "0x14" });
                        break;
                }
            }

            // A recording of calls that failed alone is refused.
            Fault(Process, "0x7e0000000000", "0x6");
        }

        public int Faults { get; private set; }

        public int Threads => _threads.Count;

        /// <summary>Those that used memory or changed it: calls that fail need not make a thread of the trace.</summary>
        public int UsedThreads => _used.Count;

        public int FailedCalls { get; private set; }

        public IReadOnlyDictionary<string, int> Succeeded => _succeeded;

        public string Print(Style style)
        {
            StringBuilder log = new();
            long time = 1_000_000_000;
            foreach ((int thread, string what, string text) in _events)
            {
                time += 1_000;
                if (style.HasOthers)
                {
                    Line(log, style, thread, time - 500, "irq:softirq_entry", "vec=1 [action=TIMER]");
                }

                Line(log, style, thread, time, what, text);
            }

            return log.ToString();
        }

        private static void Line(StringBuilder log, Style style, int thread, long time, string what, string text)
        {
            string seconds = (time / 1_000_000_000).ToString(CultureInfo.InvariantCulture);
            string fraction = (time % 1_000_000_000).ToString("000000000", CultureInfo.InvariantCulture)[..style.Digits];
            log.Append(style.Pads ? $"{style.Name,16} {Process,7}/{thread,-7}" : $"{style.Name} {Process}/{thread}")
                .Append(style.HasCore ? " [001]" : "")
                .Append(style.Pads ? $" {seconds,5}.{fraction}:" : $" {seconds}.{fraction}:")
                .Append(style.HasPeriod ? "          1" : "")
                .Append(CultureInfo.InvariantCulture, $" {what}: {text}")
                .Append(style.EndsInReturn ? "\r\n" : "\n");
        }

        private void Fault(int thread, string address, string code)
        {
            Faults++;
            _threads.Add(thread);
            _used.Add(thread);
            _events.Add((thread, "exceptions:page_fault_user", $"address={address} ip=0x401000 error_code={code}"));
        }

        private void Call(int thread, string call, string arguments, string answer, bool fails)
        {
            _threads.Add(thread);
            _events.Add((thread, $"syscalls:sys_enter_{call}", arguments));
            _events.Add((thread, $"syscalls:sys_exit_{call}", answer));
            if (fails)
            {
                FailedCalls++;
            }
            else
            {
                _used.Add(thread);
                _succeeded[call] = _succeeded.GetValueOrDefault(call) + 1;
            }
        }
    }
}
