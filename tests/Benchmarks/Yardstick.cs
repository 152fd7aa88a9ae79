using System.Diagnostics;
using System.Globalization;

namespace VmSim.Benchmarks;

/// <summary>A hand-tuned loop in C++ with the same semantics, as a process that runs one stream at a time when told to.</summary>
internal sealed class Yardstick : IDisposable
{
    /// <summary>
    /// Wraps the yardstick's classes: reads "stream variant" from standard input and answers with nanoseconds and counts.
    /// </summary>
    private const string Wrapper = """
        #define main yardstick_main
        #include YARDSTICK
        #undef main
        #include <iostream>
        #include <map>
        template<class T> void timed(const std::vector<u64>& v) {
            T* t = new T; R r; timespec a, b;
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a); t->run(v.data(), v.size(), r); clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
            munmap(t->pt.m, t->pt.cap * 4096); delete t;
            printf("%.4f %lu %lu %lu %lu %lu\n",
                   ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / v.size(), r.l1, r.l2, r.walks, r.refs, r.faults);
            fflush(stdout);
        }
        int main(int, char** argv) {
            u64 n = strtoull(argv[1], 0, 0); std::map<std::string, std::vector<u64>> streams; std::string stream, variant;
            while (std::cin >> stream >> variant) {
                auto& v = streams[stream]; if (v.empty()) v = make_stream(stream, n, 1, 1048576);
                if (variant == "tuned") timed<Tuned<false>>(v); else timed<Simple<false>>(v);
            }
        }
        """;

    private readonly Process _process;
    private readonly string _folder;

    private Yardstick(Process process, string folder)
    {
        _process = process;
        _folder = folder;
    }

    /// <summary>Compiles and starts it.</summary>
    /// <returns>Null, with a reason on standard error, if the source or the compiler is missing.</returns>
    public static Yardstick? Start(string source, int accesses)
    {
        if (!File.Exists(source))
        {
            Console.Error.WriteLine($"There is no yardstick at {source}; --yardstick PATH names another. Only the MMU is measured.");
            return null;
        }

        string workspace = Directory.CreateTempSubdirectory("vmsim-yardstick").FullName;
        string wrapper = Path.Combine(workspace, "wrapper.cpp");
        string program = Path.Combine(workspace, "yardstick");
        File.WriteAllText(wrapper, Wrapper.Replace("YARDSTICK", $"\"{Path.GetFullPath(source)}\"", StringComparison.Ordinal));
        try
        {
            using Process compiler = Process.Start("g++", ["-O3", "-march=native", "-w", wrapper, "-o", program]);
            compiler.WaitForExit();
            if (compiler.ExitCode == 0)
            {
                ProcessStartInfo start = new(program, [accesses.ToString(CultureInfo.InvariantCulture)])
                {
                    UseShellExecute = false,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                };
                return new Yardstick(Process.Start(start)!, workspace);
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine("There is no g++. Only the MMU is measured.");
        }

        Directory.Delete(workspace, recursive: true);
        return null;
    }

    public MmuRun Run(string stream, string variant)
    {
        _process.StandardInput.WriteLine($"{stream} {variant}");
        _process.StandardInput.Flush();
        string[] fields = (_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The yardstick has ended."))
            .Split(' ');
        long[] counts = [.. fields.Skip(1).Select(field => long.Parse(field, CultureInfo.InvariantCulture))];
        return new MmuRun(double.Parse(fields[0], CultureInfo.InvariantCulture), counts[0], counts[1], counts[2], counts[3], counts[4]);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>One run over a stream: nanoseconds for each access, and what was counted.</summary>
internal readonly record struct MmuRun(double Nanoseconds, long FirstHits, long SecondHits, long Walks, long References, long Faults)
{
    public bool SameCounts(in MmuRun other) => this with { Nanoseconds = 0 } == other with { Nanoseconds = 0 };
}
