import './App.css'
import Announcer from './components/page/Announcer.jsx'
import AppHeader from './components/AppHeader.jsx'
import ConnectionBanner from './components/page/ConnectionBanner.jsx'
import DemoBanner from './components/models/DemoBanner.jsx'
import Gate from './components/session/Gate.jsx'
import PanelBoundary from './components/ui/PanelBoundary.jsx'
import Studio from './components/Studio.jsx'
import Toaster from './components/ui/Toaster.jsx'

export default function App() {
  return (
    <Announcer>
      <Toaster>
        <PanelBoundary>
          <AppHeader />
        </PanelBoundary>
        <main>
          <PanelBoundary>
            <Gate>
              <div className="banners">
                <ConnectionBanner />
                <PanelBoundary>
                  <DemoBanner />
                </PanelBoundary>
              </div>
              <Studio />
            </Gate>
          </PanelBoundary>
        </main>
      </Toaster>
    </Announcer>
  )
}
