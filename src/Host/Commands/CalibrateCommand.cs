using System.CommandLine;
using VmSim.Actors.Configuration;
using VmSim.Core.Scenarios;
using VmSim.Core.Validation;
using VmSim.Host.Capture;
using VmSim.Host.Files;
using VmSim.Host.Terminal;

namespace VmSim.Host.Commands;

/// <summary><c>vmsim calibrate</c>: measures this machine and writes profiles of it.</summary>
internal static class CalibrateCommand
{
    private const string DefaultMachine = "sapphire-rapids";
    private const string GuestKernel = "linux-6.18-kvm";
    private const string BareKernel = "linux-6.18";

    public static Command Create(TextWriter output, TextWriter error)
    {
        Option<string> folder = new("--output", "-o")
        {
            Description = "Folder for the profiles and the measured figures; made if it is not there.",
            HelpName = "FOLDER",
            Required = true,
        };
        Option<string> name = new("--name")
        {
            Description = "Name of the machine, and of its files: letters, digits and hyphens.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "mine",
        };
        Option<string> machine = new("--base-machine")
        {
            Description = "Machine profile that holds for what is not measured: a name of `vmsim list machines`.",
            HelpName = "NAME",
            DefaultValueFactory = _ => DefaultMachine,
        };
        Option<string?> kernel = new("--base-kernel")
        {
            Description = "Kernel profile that holds for what is not measured: a name of `vmsim list kernels`. Without it, "
                + $"{GuestKernel} where a hypervisor runs this machine, and else {BareKernel}.",
            HelpName = "NAME",
        };
        Option<string> processors = new("--cpus")
        {
            Description = "The processors to measure on, one or two, separated by a comma; without it two that this process may use.",
            HelpName = "A,B",
            DefaultValueFactory = _ => "",
        };
        Command command = new("calibrate", "Measures this machine's TLBs and kernel in minutes, and writes profiles of it (needs gcc).")
        {
            folder,
            name,
            machine,
            kernel,
            processors,
        };
        command.SetAction((parsed, cancellation) => Task.Run(
            () => Run(
                parsed.GetValue(folder)!,
                parsed.GetValue(name)!,
                parsed.GetValue(machine)!,
                parsed.GetValue(kernel),
                parsed.GetValue(processors)!,
                output,
                error,
                cancellation),
            CancellationToken.None));
        return command;
    }

    private static int Run(
        string folder,
        string name,
        string machine,
        string? baseKernel,
        string processors,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellation)
    {
        CalibrationRun.Require();
        if (name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-'))
        {
            throw new UsageException($"--name: '{name}' found; letters, digits and hyphens are allowed");
        }

        _ = ProfileCatalog.Machines.Require(machine, "--base-machine");
        HostMachine host = HostMachine.Read();
        string kernel = baseKernel ?? (host.IsGuest ? GuestKernel : BareKernel);
        _ = ProfileCatalog.Kernels.Require(kernel, "--base-kernel");
        (int first, int second) = Choose(host, processors);
        Directory.CreateDirectory(folder);
        string[] names = [$"{name}.conf", $"{name}-machine.conf", $"{name}-kernel.conf", $"{name}.csv"];
        string[] paths = [.. names.Select(each => Path.Combine(folder, each))];
        Array.ForEach(paths, path => OutputFile.Require(path, "-o"));
        if (second < 0)
        {
            error.WriteLine("note: there is one processor alone; interrupts, locks and rates of two are not measured");
        }

        CalibrationFiles files = new(name, host, machine, kernel);
        CalibrationResults results;
        IReadOnlyList<CalibratedSetting> settings;
        using (StatusLine line = new(error))
        {
            using IDisposable scope = Interruption.Work();
            results = CalibrationRun.Run(folder, first, second, host.Remote(first), line.Show);
            cancellation.ThrowIfCancellationRequested();
            settings = Derive(files, results, key => line.Show($"deriving {key}"), cancellation);
        }

        string[] texts =
            [files.Whole(results), files.Profile("machine", settings), files.Profile("kernel", settings), files.Figures(results)];
        for (int i = 0; i < paths.Length; i++)
        {
            Write(paths[i], texts[i]);
        }

        CalibrationFiles.WriteSummary(output, settings);
        foreach (string missing in results.Missing)
        {
            error.WriteLine($"note: not measured: {missing}");
        }

        error.WriteLine($"written: {string.Join(", ", paths)}");
        error.WriteLine($"compare: vmsim validate --machine {paths[0]}");
        return ExitCodes.Ok;
    }

    private static IReadOnlyList<CalibratedSetting> Derive(
        CalibrationFiles files, CalibrationResults results, Action<string> progress, CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-calibrate-").FullName;
        void Remove() => Directory.Delete(folder, recursive: true);
        Leftovers.Add(Remove);
        try
        {
            string path = Path.Combine(folder, "base.conf");
            File.WriteAllText(path, files.Base(results));
            (ScenarioSpec machine, IReadOnlyList<CalibratedSetting> ofMachine) =
                MachineCalibration.Derive(ScenarioLoader.LoadMachine(path, []), results);
            (_, IReadOnlyList<CalibratedSetting> ofKernel) = KernelCalibration.Derive(machine, results, progress, cancellation);
            return [.. ofMachine, .. ofKernel];
        }
        finally
        {
            Remove();
            Leftovers.Forget(Remove);
        }
    }

    /// <summary>The processors to measure on; the second is -1 for none.</summary>
    private static (int First, int Second) Choose(HostMachine host, string asked)
    {
        if (asked.Length == 0)
        {
            return (host.Allowed[0], host.Beside(host.Allowed[0]));
        }

        string[] parts = asked.Split(',');
        bool areNumbers = int.TryParse(parts[0], out int first) & int.TryParse(parts[^1], out int second);
        if (!areNumbers || parts.Length > 2 || !host.Allowed.Contains(first) || !host.Allowed.Contains(second))
        {
            throw new UsageException(
                $"--cpus: '{asked}' found; one or two processors are needed of those that this process may use: "
                + string.Join(", ", host.Allowed));
        }

        return (first, second == first ? -1 : second);
    }

    private static void Write(string path, string text)
    {
        using OutputFile file = new(path, "-o");
        using (StreamWriter writer = new(file.Stream, leaveOpen: true))
        {
            writer.Write(text);
        }

        file.Complete();
    }
}
