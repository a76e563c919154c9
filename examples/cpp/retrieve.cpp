// Gets two people their data, one package each, from a simulated vendor; for a real one, make the
// project with dsr::mixpanel("PROJECT_TOKEN", "OAUTH_TOKEN").archive_secret("API_SECRET").
//     c++ -std=c++17 retrieve.cpp $(pkg-config --cflags --libs dsrkit) -o retrieve
//     ./retrieve dsr.sqlite3 packages
#include <dsrkit.hpp>
#include <iostream>

int main(int argc, char **argv) try {
    if (argc != 3) throw std::invalid_argument("usage: retrieve JOURNAL FOLDER");
    const dsr::sandbox sandbox;
    const dsr::client client(sandbox.mixpanel(), argv[1]);
    const std::vector<std::string> ids = {"user-1", "user-2"};
    const dsr::run run = client.plan_retrieval(ids, dsr::plan_options().reference("DSR-7")).start();
    for (const dsr::event &event : run.events())
        if (event.kind() != "waiting") std::cout << event.text() << '\n';
    const dsr::report report = run.collect(argv[2]);
    std::cout << report.count("done") << " packages in " << report.packages() << '\n';
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
